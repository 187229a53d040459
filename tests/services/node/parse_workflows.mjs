// Print what GitHub's own parser finds wrong with each file: `node parse_workflows.mjs PACKAGES FILE...`
import { readFile } from "node:fs/promises";
import { register } from "node:module";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

register("./json_modules.mjs", import.meta.url);
const [packages, ...files] = process.argv.slice(2);
const module = (name) =>
  import(pathToFileURL(resolve(packages, `@actions/workflow-parser/dist/${name}.js`)));
const parser = { ...(await module("index")), ...(await module("actions/index")) };
const trace = new parser.NoOperationTraceWriter();
const found = [];

for (const name of files) {
  const content = await readFile(name, "utf8");
  const isAction = /^action\.ya?ml$/.test(basename(name));
  const parse = isAction ? parser.parseAction : parser.parseWorkflow;
  const convert = isAction ? parser.convertActionTemplate : parser.convertWorkflowTemplate;
  const { context, value } = parse({ name, content }, trace);
  if (value) await convert(context, value);
  found.push(...context.errors.getErrors().map((error) => `${name}: ${error.message}`));
}
console.log(JSON.stringify(found));
