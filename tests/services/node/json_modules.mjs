// Let packages import JSON without an import attribute, as their bundlers do.
import { readFile } from "node:fs/promises";

export async function load(url, context, next) {
  if (!url.endsWith(".json")) return next(url, context);
  const source = `export default ${await readFile(new URL(url), "utf8")}`;
  return { format: "module", source, shortCircuit: true };
}
