/* The city's traffic: vehicles that Open Dynamics Engine moves, and their drivers. vehicles.c has the physics, drivers.c the
 * drivers. The systems of a frame: drive ─> step_physics ─> move_vehicles ─> (sync_transforms). */
#ifndef ENGINE_TRAFFIC_H
#define ENGINE_TRAFFIC_H

#include "engine.h"

#include <ode/ode.h>

#define WHEELS 4
#define TRAFFIC_NOBODY UINT32_MAX

/* Streets on a square grid, crossings where they meet. Crossing (0, 0) has the smallest x and z. */
struct streets {
    uint32_t crossings; /* along one side */
    float pitch;        /* metres from crossing to crossing */
    float width;        /* of a street */
};

struct vec3 streets_crossing(const struct streets *streets, uint32_t x, uint32_t z);

/* Where a driver is going: towards the crossing (x, z) in a direction (0 to 3: +x, +z, -x, -z). */
struct route {
    uint32_t x, z, direction;
    uint32_t held; /* the crossing that is kept free of others, by its number; TRAFFIC_NOBODY: none */
};

struct vehicle {
    uint32_t root, wheel_node; /* entities: the vehicle, and the first of its wheels in relation to it */
    dBodyID chassis, wheels[WHEELS];
    dGeomID box, wheel_geoms[WHEELS];
    dJointID axles[WHEELS]; /* the first two are the front's */
    struct route route;
    struct vec3 place, ahead; /* as of the last step */
    float speed;              /* m/s, forwards */
    float steer, drive;       /* what the driver wants: an angle to the left (radians), a speed */
};

struct traffic {
    struct streets streets;
    struct pool pool;
    struct slots slots;
    struct vehicle **vehicles;
    uint32_t vehicles_count, vehicles_max, buildings_count;
    uint32_t *crossing_held; /* by whom, or TRAFFIC_NOBODY */
    uint64_t random;
    bool quadtree;
    dWorldID world;
    dSpaceID cars, buildings;
    dGeomID ground;
    dJointGroupID contacts;
    uint32_t contacts_count;
    uint32_t moving; /* how many, as of the last step */
    double metres;   /* driven by all so far */
};

/* Makes a world without vehicles or buildings. 0, or -1 with engine->problem. */
int traffic_start(struct engine *engine, const struct streets *streets, uint32_t vehicles_max, bool quadtree);
void traffic_stop(struct engine *engine);

/* A box that vehicles can't pass through. */
void traffic_add_building(struct traffic *traffic, struct vec3 place, struct quat turn, struct vec3 size);

/* A vehicle with a driver for an entity of a prefab with wheels, on its way to the route's crossing from `away` metres
 * before it. 0, or -1 with engine->problem. */
int traffic_add_vehicle(struct engine *engine, uint32_t root, uint32_t wheel_node, const struct route *route,
                        float away);

/* The direction and, on its right-hand side, the middle of the lane that a route takes. */
void drivers_lane(const struct streets *streets, const struct route *route, struct vec3 *ahead,
                  struct vec3 *at);

/* The system `drive`: all drivers look, and say what they want. */
void drivers_drive(struct engine *engine, unsigned part);

#endif
