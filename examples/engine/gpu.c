/* Frustum culling on a GPU, or whatever device OpenCL has: bounds go up, one byte for each entity comes back.
 *
 * What the device did is on a track of its own in the trace. The device has a clock of its own, too; that the commands of a
 * frame ran after they were given and before they were waited for bounds the difference of the two clocks from both
 * sides, in each frame anew: so the track is right to within the shortest way to the device and back, and drift is followed. */
#define PERF_TARGET "amp_render"
#include <perftrace.h>

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "gpu.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

static const char source[] =
    "#pragma OPENCL FP_CONTRACT OFF\n" /* the same sums as on the CPU */
    "kernel void cull(global const float *x, global const float *y, global const float *z,\n"
    "                 global const float *radius, constant float *planes, uint count, global uchar *seen) {\n"
    "    uint i = get_global_id(0);\n"
    "    if (i >= count)\n"
    "        return;\n"
    "    uchar inside = 1;\n"
    "    for (uint p = 0; p < 6; p++)\n"
    "        inside &= x[i] * planes[p] + y[i] * planes[6 + p] + z[i] * planes[12 + p] + planes[18 + p] >= "
    "-radius[i];\n"
    "    seen[i] = inside;\n"
    "}\n";

#define GROUP 64 /* work items that run together */
#define BOUNDS 4 /* x, y, z, radius */
#define PLANES 4 /* their argument */
#define COUNT 5
#define SEEN 6

/* The commands of a frame. */
enum { UPLOAD, KERNEL = BOUNDS + 1, READ_BACK, COMMANDS };

struct gpu {
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel;
    cl_mem bounds[BOUNDS], planes, seen_there;
    uint8_t *seen;
    uint32_t entities_max;
    uint32_t track;
    int64_t ahead_ns; /* CLOCK_MONOTONIC less the device's clock */
    char name[128];
};

/* ---- starting ---- */

/* A GPU if there is one, else any device: PoCL makes one of the CPU. */
static cl_device_id find_device(void) {
    cl_platform_id platforms[16];
    cl_uint count = 0;
    if (clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS)
        return NULL;
    const cl_device_type types[] = {CL_DEVICE_TYPE_GPU, CL_DEVICE_TYPE_ALL};
    for (int type = 0; type < 2; type++)
        for (cl_uint i = 0; i < count && i < 16; i++) {
            cl_device_id device;
            if (clGetDeviceIDs(platforms[i], types[type], 1, &device, NULL) == CL_SUCCESS)
                return device;
        }
    return NULL;
}

static int make_buffers(struct gpu *gpu, uint32_t entities_max) {
    cl_int error = CL_SUCCESS, any = CL_SUCCESS;
    for (int i = 0; i < BOUNDS; i++, any |= error)
        gpu->bounds[i] =
            clCreateBuffer(gpu->context, CL_MEM_READ_ONLY, entities_max * sizeof(float), NULL, &error);
    gpu->planes = clCreateBuffer(gpu->context, CL_MEM_READ_ONLY, sizeof(struct frustum), NULL, &error);
    any |= error;
    gpu->seen_there = clCreateBuffer(gpu->context, CL_MEM_WRITE_ONLY, entities_max, NULL, &error);
    any |= error;
    for (cl_uint i = 0; i < BOUNDS; i++)
        any |= clSetKernelArg(gpu->kernel, i, sizeof gpu->bounds[i], &gpu->bounds[i]);
    any |= clSetKernelArg(gpu->kernel, PLANES, sizeof gpu->planes, &gpu->planes);
    any |= clSetKernelArg(gpu->kernel, SEEN, sizeof gpu->seen_there, &gpu->seen_there);
    gpu->seen = calloc(entities_max, 1);
    gpu->entities_max = entities_max;
    return any == CL_SUCCESS && gpu->seen != NULL ? 0 : -1;
}

static int make_kernel(struct gpu *gpu, cl_device_id device) {
    PERF_SPAN("compile_kernel", "bytes", sizeof source);
    const char *text = source;
    cl_int error;
    gpu->program = clCreateProgramWithSource(gpu->context, 1, &text, NULL, &error);
    if (error != CL_SUCCESS || clBuildProgram(gpu->program, 1, &device, "", NULL, NULL) != CL_SUCCESS)
        return -1;
    gpu->kernel = clCreateKernel(gpu->program, "cull", &error);
    return error == CL_SUCCESS ? 0 : -1;
}

/* ---- the device's clock ---- */

static int64_t profiled(cl_event event, cl_profiling_info what) {
    cl_ulong time = 0;
    clGetEventProfilingInfo(event, what, sizeof time, &time, NULL);
    return (int64_t)time;
}

/* Commands that the device ran from `begin` to `end` on its clock ran between these two times on ours. */
static void bound_clock(struct gpu *gpu, int64_t begin, int64_t end, uint64_t after_ns, uint64_t before_ns) {
    int64_t least = (int64_t)after_ns - begin, most = (int64_t)before_ns - end;
    if (gpu->ahead_ns < least)
        gpu->ahead_ns = least;
    if (gpu->ahead_ns > most)
        gpu->ahead_ns = most;
}

/* Sends small commands to the device and begins with the middle of the bounds that the quickest gives. */
static int read_clock(struct gpu *gpu) {
    PERF_SPAN("align_gpu_clock");
    uint64_t quickest = UINT64_MAX;
    for (int i = 0; i < 64; i++) {
        struct frustum nothing = {{0}, {0}, {0}, {0}};
        cl_event event;
        uint64_t after_ns = measure_now_ns();
        if (clEnqueueWriteBuffer(gpu->queue, gpu->planes, CL_TRUE, 0, sizeof nothing, &nothing, 0, NULL,
                                 &event) != CL_SUCCESS)
            return -1;
        uint64_t before_ns = measure_now_ns();
        int64_t begin = profiled(event, CL_PROFILING_COMMAND_START);
        int64_t end = profiled(event, CL_PROFILING_COMMAND_END);
        clReleaseEvent(event);
        if (before_ns - after_ns < quickest) {
            quickest = before_ns - after_ns;
            gpu->ahead_ns = ((int64_t)after_ns - begin + (int64_t)before_ns - end) / 2;
        }
    }
    PERF_METRIC("round_trip_ns", quickest);
    return 0;
}

static int start(struct gpu *gpu, uint32_t entities_max) {
    cl_device_id device = find_device();
    if (device == NULL) {
        fprintf(stderr,
                "no GPU culling: OpenCL has no device here (Debian: pocl-opencl-icd makes one of the CPU)\n");
        return -1;
    }
    cl_int error;
    clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof gpu->name, gpu->name, NULL);
    gpu->name[sizeof gpu->name - 1] = '\0';
    gpu->context = clCreateContext(NULL, 1, &device, NULL, NULL, &error);
    if (error == CL_SUCCESS)
        gpu->queue = clCreateCommandQueue(gpu->context, device, CL_QUEUE_PROFILING_ENABLE, &error);
    if (error != CL_SUCCESS || make_kernel(gpu, device) != 0 || make_buffers(gpu, entities_max) != 0 ||
        read_clock(gpu) != 0) {
        fprintf(stderr, "no GPU culling: OpenCL's device %s failed\n", gpu->name);
        return -1;
    }
    return 0;
}

struct gpu *gpu_start(uint32_t entities_max) {
    PERF_SPAN("start_gpu", "entities", entities_max);
    struct gpu *gpu = calloc(1, sizeof *gpu);
    if (gpu == NULL)
        return NULL;
    if (start(gpu, entities_max) != 0) {
        gpu_stop(gpu);
        return NULL;
    }
    gpu->track = perftrace_track_create(PERFTRACE_TRACK_KIND_GPU, "GPU queue");
    return gpu;
}

void gpu_stop(struct gpu *gpu) {
    if (gpu == NULL)
        return;
    for (int i = 0; i < BOUNDS; i++)
        if (gpu->bounds[i] != NULL)
            clReleaseMemObject(gpu->bounds[i]);
    if (gpu->planes != NULL)
        clReleaseMemObject(gpu->planes);
    if (gpu->seen_there != NULL)
        clReleaseMemObject(gpu->seen_there);
    if (gpu->kernel != NULL)
        clReleaseKernel(gpu->kernel);
    if (gpu->program != NULL)
        clReleaseProgram(gpu->program);
    if (gpu->queue != NULL)
        clReleaseCommandQueue(gpu->queue);
    if (gpu->context != NULL)
        clReleaseContext(gpu->context);
    free(gpu->seen);
    free(gpu);
}

/* ---- a frame ---- */

/* Gives the device all commands; it runs them one after the other. Those that it took are in `events`. */
static cl_int submit(struct gpu *gpu, const struct world *world, const struct frustum *frustum,
                     cl_event events[COMMANDS]) {
    PERF_SPAN_LEVEL(PERF_DEBUG, "gpu_submit", "entities", world->count);
    const float *columns[BOUNDS] = {world->bound_x, world->bound_y, world->bound_z, world->bound_radius};
    cl_int error = CL_SUCCESS;
    for (int i = 0; i < BOUNDS && error == CL_SUCCESS; i++)
        error = clEnqueueWriteBuffer(gpu->queue, gpu->bounds[i], CL_FALSE, 0, world->count * sizeof(float),
                                     columns[i], 0, NULL, &events[UPLOAD + i]);
    if (error == CL_SUCCESS)
        error = clEnqueueWriteBuffer(gpu->queue, gpu->planes, CL_FALSE, 0, sizeof *frustum, frustum, 0, NULL,
                                     &events[UPLOAD + BOUNDS]);
    size_t items = (world->count + GROUP - 1) / GROUP * (size_t)GROUP, group = GROUP;
    if (error == CL_SUCCESS)
        error = clSetKernelArg(gpu->kernel, COUNT, sizeof world->count, &world->count);
    if (error == CL_SUCCESS)
        error = clEnqueueNDRangeKernel(gpu->queue, gpu->kernel, 1, NULL, &items, &group, 0, NULL,
                                       &events[KERNEL]);
    if (error == CL_SUCCESS)
        error = clEnqueueReadBuffer(gpu->queue, gpu->seen_there, CL_FALSE, 0, world->count, gpu->seen, 0,
                                    NULL, &events[READ_BACK]);
    return error;
}

static cl_int wait(struct gpu *gpu) {
    PERF_SPAN_LEVEL(PERF_DEBUG, "gpu_wait");
    return clFinish(gpu->queue);
}

/* What the device says of the commands goes to its track. */
static void record(struct gpu *gpu, cl_event events[COMMANDS], uint32_t entities, uint64_t after_ns,
                   uint64_t before_ns) {
    int64_t begin[COMMANDS], end[COMMANDS];
    for (int i = 0; i < COMMANDS; i++) {
        begin[i] = profiled(events[i], CL_PROFILING_COMMAND_START);
        end[i] = profiled(events[i], CL_PROFILING_COMMAND_END);
    }
    bound_clock(gpu, begin[0], end[COMMANDS - 1], after_ns, before_ns);
    for (int i = 0; i < COMMANDS; i++) {
        begin[i] += gpu->ahead_ns;
        end[i] += gpu->ahead_ns;
    }
    PERF_TRACK_SPAN(gpu->track, "gpu_upload", begin[UPLOAD], end[KERNEL - 1], "bytes",
                    entities * sizeof(float) * BOUNDS);
    PERF_TRACK_SPAN(gpu->track, "gpu_cull", begin[KERNEL], end[KERNEL], "entities", entities);
    PERF_TRACK_SPAN(gpu->track, "gpu_read_back", begin[READ_BACK], end[READ_BACK], "bytes", entities);
    (void)entities; /* where nothing is recorded */
}

uint32_t gpu_cull(struct gpu *gpu, const struct world *world, const struct frustum *frustum) {
    if (world->count == 0)
        return 0;
    cl_event events[COMMANDS] = {NULL};
    uint64_t after_ns = measure_now_ns();
    cl_int error = submit(gpu, world, frustum, events);
    error |= wait(gpu);
    if (error == CL_SUCCESS)
        record(gpu, events, world->count, after_ns, measure_now_ns());
    for (int i = 0; i < COMMANDS; i++)
        if (events[i] != NULL)
            clReleaseEvent(events[i]);
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->count; i++)
        count += gpu->seen[i];
    return error == CL_SUCCESS ? count : ENTITY_NONE;
}

bool gpu_saw(const struct gpu *gpu, uint32_t entity) {
    return gpu->seen[entity] != 0;
}

const char *gpu_name(const struct gpu *gpu) {
    return gpu->name;
}
