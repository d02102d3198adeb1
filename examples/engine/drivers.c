/* The drivers: each follows the right-hand lane to the next crossing, keeps its distance, waits until the crossing is free, and
 * takes one of the streets that lead on. */
#define PERF_TARGET "amp_gameplay"
#include <perftrace.h>

#include "hitches.h"
#include "program.h"
#include "traffic.h"

#define CRUISE 13.0F /* m/s */
#define CORNER 5.0F
#define LOOK 7.0F     /* metres: a driver steers towards the point of the lane that is so far ahead */
#define STOP_AT 11.0F /* metres before the middle of a crossing */
#define DISTANCE 9.0F /* from the vehicle before */
#define AXLES 2.6F    /* metres from front to rear */

static const int along_x[] = {1, 0, -1, 0}, along_z[] = {0, 1, 0, -1};

struct vec3 streets_crossing(const struct streets *streets, uint32_t x, uint32_t z) {
    float middle = (float)(streets->crossings - 1) / 2;
    return (struct vec3){((float)x - middle) * streets->pitch, 0, ((float)z - middle) * streets->pitch};
}

void drivers_lane(const struct streets *streets, const struct route *route, struct vec3 *ahead,
                  struct vec3 *at) {
    *ahead = (struct vec3){(float)along_x[route->direction], 0, (float)along_z[route->direction]};
    struct vec3 right = vec3_cross(*ahead, (struct vec3){0, 1, 0});
    *at = streets_crossing(streets, route->x, route->z);
    at->x += right.x * streets->width / 4;
    at->z += right.z * streets->width / 4;
}

static bool leads_on(const struct streets *streets, const struct route *route, uint32_t direction) {
    int64_t x = (int64_t)route->x + along_x[direction], z = (int64_t)route->z + along_z[direction];
    return x >= 0 && z >= 0 && x < streets->crossings && z < streets->crossings;
}

/* Straight on, left or right, by lot; at the edge of the city whichever there is. */
static void choose(struct traffic *traffic, struct route *route) {
    static const uint32_t turns[] = {0, 1, 3}; /* back is none */
    unsigned first = (unsigned)(program_random(&traffic->random) * 3);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t direction = (route->direction + turns[(first + i) % 3]) % 4;
        if (!leads_on(&traffic->streets, route, direction))
            continue;
        route->x = (uint32_t)((int)route->x + along_x[direction]);
        route->z = (uint32_t)((int)route->z + along_z[direction]);
        route->direction = direction;
        return;
    }
}

/* Takes the crossing if nobody has it, and gives back the one before when that lies behind. */
static bool may_pass(struct traffic *traffic, struct vehicle *vehicle, uint32_t number, float before) {
    struct route *route = &vehicle->route;
    uint32_t crossing = route->x * traffic->streets.crossings + route->z;
    if (route->held != TRAFFIC_NOBODY && route->held != crossing &&
        before < traffic->streets.pitch - STOP_AT) {
        traffic->crossing_held[route->held] = TRAFFIC_NOBODY;
        route->held = TRAFFIC_NOBODY;
    }
    if (before > 2 * STOP_AT)
        return true; /* it is far away yet */
    if (route->held == TRAFFIC_NOBODY && traffic->crossing_held[crossing] == TRAFFIC_NOBODY) {
        traffic->crossing_held[crossing] = number;
        route->held = crossing;
    }
    return route->held == crossing;
}

/* How far the next vehicle is that goes the same way. */
static float gap_ahead(const struct traffic *traffic, const struct vehicle *vehicle) {
    float gap = 1e6F;
    for (uint32_t i = 0; i < traffic->vehicles_count; i++) {
        const struct vehicle *other = traffic->vehicles[i];
        struct vec3 to = vec3_sub(other->place, vehicle->place);
        float along = vec3_dot(to, vehicle->ahead), squared = vec3_dot(to, to);
        if (along > 0.1F && along < gap && squared - along * along < 4 &&
            vec3_dot(other->ahead, vehicle->ahead) > 0)
            gap = along;
    }
    return gap;
}

static void drive_one(struct traffic *traffic, uint32_t number) {
    struct vehicle *vehicle = traffic->vehicles[number];
    struct vec3 ahead, lane;
    drivers_lane(&traffic->streets, &vehicle->route, &ahead, &lane);
    float before = vec3_dot(vec3_sub(lane, vehicle->place), ahead); /* metres to the crossing */
    bool free = may_pass(traffic, vehicle, number, before);
    if (free && before < STOP_AT - 2) {
        choose(traffic, &vehicle->route);
        drivers_lane(&traffic->streets, &vehicle->route, &ahead, &lane);
        before = vec3_dot(vec3_sub(lane, vehicle->place), ahead);
    }
    float past = before - LOOK; /* of the point to steer to */
    struct vec3 goal = {lane.x - past * ahead.x, vehicle->place.y, lane.z - past * ahead.z};
    struct vec3 to = vec3_sub(goal, vehicle->place);
    struct vec3 left = vec3_cross((struct vec3){0, 1, 0}, vehicle->ahead);
    float aside = vec3_dot(to, left), squared = vec3_dot(to, to) + 0.01F;
    /* Pure pursuit: the arc that leads to the goal (Coulter, 1992). */
    float steer = atanf(2 * AXLES * aside / squared);
    bool corner = vec3_dot(vehicle->ahead, ahead) < 0.95F || before < 2 * STOP_AT;
    float drive = corner ? CORNER : CRUISE;
    if (!free)
        drive = fminf(drive, fmaxf(0, (before - STOP_AT) / 2));
    drive = fminf(drive, fmaxf(0, gap_ahead(traffic, vehicle) - DISTANCE));
    vehicle->steer = fmaxf(-0.6F, fminf(0.6F, steer));
    vehicle->drive = drive;
}

void drivers_drive(struct engine *engine, unsigned part) {
    (void)part;
    struct traffic *traffic = engine->traffic;
    PERF_SPAN("drive", "vehicles", traffic->vehicles_count);
    hitches_at(engine, "drive");
    for (uint32_t i = 0; i < traffic->vehicles_count; i++)
        drive_one(traffic, i);
}
