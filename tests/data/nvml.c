/* A library that answers as NVIDIA's libnvidia-ml.so.1 does, for machines without a GPU.

   The variable NVML_SCENE chooses what it shows: "two" (an H100 and an A100), "mig" (an H100 with
   the instances 0 and 2), "mig-empty", "none", "no-driver", "mismatch", "lost" (GPU 0 has fallen
   off the bus, GPU 1 works), "quiet" (the calls that may be missing are).
   Source of the calls and codes: NVML API reference. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OK = 0, NOT_SUPPORTED = 3, NOT_FOUND = 6, NO_DRIVER = 9, LOST = 15, MISMATCH = 18 };

struct device { int index, major, minor, mig; unsigned long long total; const char *name; };

static struct device devices[] = {
    {0, 9, 0, -1, 85520809984ULL, "NVIDIA H100 80GB HBM3"},
    {1, 8, 0, -1, 42949672960ULL, "NVIDIA A100-SXM4-40GB"},
};
static struct device instances[] = {
    {0, 9, 0, 0, 10468982784ULL, "NVIDIA H100 80GB HBM3 MIG 1g.10gb"},
    {0, 9, 0, 1, 0, ""},
    {0, 9, 0, 2, 21474836480ULL, "NVIDIA H100 80GB HBM3 MIG 2g.20gb"},
};

static int scene(const char *name) {
    const char *given = getenv("NVML_SCENE");
    return given && strcmp(given, name) == 0;
}

int nvmlInitWithFlags(unsigned flags) {
    return scene("no-driver") ? NO_DRIVER : scene("mismatch") ? MISMATCH : OK;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { return code == LOST ? "GPU is lost" : "an error"; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) {
    snprintf(text, size, "580.159.04");
    return scene("quiet") ? NOT_SUPPORTED : OK;
}
int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = scene("none") ? 0 : scene("two") || scene("lost") ? 2 : 1;
    return OK;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **device) {
    *device = &devices[index];
    return scene("lost") && index == 0 ? LOST : OK;
}
int nvmlDeviceGetCudaComputeCapability(struct device *device, int *major, int *minor) {
    *major = device->major;
    *minor = device->minor;
    return OK;
}
int nvmlDeviceGetName(struct device *device, char *text, unsigned size) {
    snprintf(text, size, "%s", device->name);
    return scene("quiet") ? NOT_SUPPORTED : OK;
}
int nvmlDeviceGetUUID(struct device *device, char *text, unsigned size) {
    snprintf(text, size, device->mig < 0 ? "GPU-%d" : "MIG-%d-%d", device->index, device->mig);
    return scene("quiet") ? NOT_SUPPORTED : OK;
}
int nvmlDeviceGetMemoryInfo(struct device *device, unsigned long long *memory) {
    memory[0] = device->total;
    memory[1] = device->total;
    memory[2] = 0;
    return scene("quiet") ? NOT_SUPPORTED : OK;
}
int nvmlDeviceGetMigMode(struct device *device, unsigned *now, unsigned *pending) {
    *now = *pending = scene("mig") || scene("mig-empty");
    return scene("quiet") ? NOT_SUPPORTED : OK;
}
int nvmlDeviceGetMaxMigDeviceCount(struct device *device, unsigned *count) {
    *count = 3;
    return OK;
}
int nvmlDeviceGetMigDeviceHandleByIndex(
    struct device *device, unsigned index, struct device **instance) {
    *instance = &instances[index];
    return scene("mig-empty") || instances[index].total == 0 ? NOT_FOUND : OK;
}
