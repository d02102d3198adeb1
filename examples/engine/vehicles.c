/* The vehicles' physics: chassis and wheels are bodies, a joint with a spring is the suspension of each wheel, its motors drive
 * and steer. ODE's quadtree divides x and y, so that z is up there: a rotation leads from the engine's axes to ODE's. */
#define PERF_TARGET "amp_gameplay"
#include <perftrace.h>

#include "hitches.h"
#include "traffic.h"

#include <stdlib.h>

#define STEP (1.0 / 60) /* seconds, of each frame */
#define SPRING 60000.0  /* N/m of one wheel's suspension, */
#define DAMPER 5000.0   /* Ns/m */
#define CHASSIS_KG 1000.0
#define WHEEL_KG 20.0
#define WHEEL_RADIUS 0.35F
#define TRACK 0.8F     /* half of the way from left to right wheel */
#define WHEELBASE 1.3F /* half of the way from front to rear axle */
#define RIDE 0.65F     /* the chassis' middle is so high */
#define TORQUE 500.0   /* Nm at each wheel, to drive and to brake */
static const struct vec3 chassis_size = {1.8F, 0.6F, 4.2F};

/* ---- axes ---- */

static struct vec3 to_ode(struct vec3 v) {
    return (struct vec3){v.x, -v.z, v.y};
}

static struct vec3 from_ode(const dReal *v) {
    return (struct vec3){(float)v[0], (float)v[2], (float)-v[1]};
}

static void quat_to_ode(struct quat q, dQuaternion to) {
    to[0] = (dReal)q.w;
    to[1] = (dReal)q.x;
    to[2] = (dReal)-q.z;
    to[3] = (dReal)q.y;
}

static struct quat quat_from_ode(const dReal *q) {
    return (struct quat){(float)q[1], (float)q[3], (float)-q[2], (float)q[0]};
}

static void set_place(dBodyID body, struct vec3 place, struct quat turn) {
    struct vec3 at = to_ode(place);
    dQuaternion rotation;
    quat_to_ode(turn, rotation);
    dBodySetPosition(body, (dReal)at.x, (dReal)at.y, (dReal)at.z);
    dBodySetQuaternion(body, rotation);
}

/* ---- what there is ---- */

void traffic_add_building(struct traffic *traffic, struct vec3 place, struct quat turn, struct vec3 size) {
    dGeomID box = dCreateBox(traffic->buildings, (dReal)size.x, (dReal)size.z, (dReal)size.y);
    struct vec3 at = to_ode((struct vec3){place.x, place.y + size.y / 2, place.z});
    dQuaternion rotation;
    quat_to_ode(turn, rotation);
    dGeomSetPosition(box, (dReal)at.x, (dReal)at.y, (dReal)at.z);
    dGeomSetQuaternion(box, rotation);
    traffic->buildings_count++;
}

static void add_wheel(struct traffic *traffic, struct vehicle *vehicle, int index, struct vec3 place,
                      struct quat turn) {
    dMass mass;
    dMassSetSphereTotal(&mass, WHEEL_KG, (dReal)WHEEL_RADIUS);
    dBodyID wheel = vehicle->wheels[index] = dBodyCreate(traffic->world);
    dBodySetMass(wheel, &mass);
    dBodySetFiniteRotationMode(wheel, 1); /* it turns fast */
    set_place(wheel, place, turn);
    vehicle->wheel_geoms[index] = dCreateSphere(NULL, (dReal)WHEEL_RADIUS);
    dGeomSetBody(vehicle->wheel_geoms[index], wheel);

    dJointID axle = vehicle->axles[index] = dJointCreateHinge2(traffic->world, NULL);
    dJointAttach(axle, vehicle->chassis, wheel);
    const dReal *at = dBodyGetPosition(wheel);
    dVector3 up = {0, 0, 1}, across;
    dBodyVectorToWorld(vehicle->chassis, 1, 0, 0, across);
    dJointSetHinge2Anchor(axle, at[0], at[1], at[2]);
    dJointSetHinge2Axes(axle, up, across);
    dJointSetHinge2Param(axle, dParamSuspensionERP, STEP * SPRING / (STEP * SPRING + DAMPER));
    dJointSetHinge2Param(axle, dParamSuspensionCFM, 1 / (STEP * SPRING + DAMPER));
    dJointSetHinge2Param(axle, dParamFMax2, TORQUE);
    double stop = index < 2 ? 0.6 : 0;        /* radians: the rear ones don't steer */
    for (int twice = 0; twice < 2; twice++) { /* ODE takes a lower stop only if it is below the upper one */
        dJointSetHinge2Param(axle, dParamLoStop, -stop);
        dJointSetHinge2Param(axle, dParamHiStop, stop);
    }
    dJointSetHinge2Param(axle, dParamFMax, index < 2 ? TORQUE : 0);
}

int traffic_add_vehicle(struct engine *engine, uint32_t root, uint32_t wheel_node, const struct route *route,
                        float away) {
    struct traffic *traffic = engine->traffic;
    struct vehicle *vehicle =
        traffic->vehicles_count < traffic->vehicles_max ? slots_take(&traffic->slots) : NULL;
    if (vehicle == NULL)
        return engine_fail(engine, "no room for more than %u vehicles", traffic->vehicles_count);
    *vehicle = (struct vehicle){.root = root, .wheel_node = wheel_node, .route = *route};
    struct vec3 ahead, at;
    drivers_lane(&traffic->streets, route, &ahead, &at);
    at = (struct vec3){at.x - away * ahead.x, RIDE, at.z - away * ahead.z};
    struct quat turn = quat_about_y(atan2f(ahead.x, ahead.z));

    dMass mass;
    dMassSetBoxTotal(&mass, CHASSIS_KG, (dReal)chassis_size.x, (dReal)chassis_size.z, (dReal)chassis_size.y);
    vehicle->chassis = dBodyCreate(traffic->world);
    dBodySetMass(vehicle->chassis, &mass);
    vehicle->box =
        dCreateBox(traffic->cars, (dReal)chassis_size.x, (dReal)chassis_size.z, (dReal)chassis_size.y);
    dGeomSetBody(vehicle->box, vehicle->chassis);
    set_place(vehicle->chassis, at, turn);
    struct vec3 left = vec3_cross((struct vec3){0, 1, 0}, ahead);
    for (int i = 0; i < WHEELS; i++) {
        float side = i % 2 == 0 ? TRACK : -TRACK, axle = i < 2 ? WHEELBASE : -WHEELBASE;
        add_wheel(traffic, vehicle, i,
                  (struct vec3){at.x + side * left.x + axle * ahead.x, WHEEL_RADIUS,
                                at.z + side * left.z + axle * ahead.z},
                  turn);
    }
    vehicle->place = at;
    vehicle->ahead = ahead;
    traffic->vehicles[traffic->vehicles_count++] = vehicle;
    return 0;
}

/* ---- a step ---- */

static void touch(struct traffic *traffic, dGeomID a, dGeomID b, double friction) {
    dContact contacts[4];
    int count = dCollide(a, b, 4, &contacts[0].geom, sizeof contacts[0]);
    for (int i = 0; i < count; i++) {
        contacts[i].surface =
            (dSurfaceParameters){.mode = dContactSoftERP | dContactSoftCFM | dContactApprox1,
                                 .mu = friction,
                                 .soft_erp = 0.5,
                                 .soft_cfm = 1e-5};
        dJointID joint = dJointCreateContact(traffic->world, traffic->contacts, &contacts[i]);
        dJointAttach(joint, dGeomGetBody(a), dGeomGetBody(b));
    }
    traffic->contacts_count += (uint32_t)count;
}

/* Two whose boxes along the axes overlap. */
static void near(void *traffic, dGeomID a, dGeomID b) {
    touch(traffic, a, b, 0.2);
}

static void collide(struct traffic *traffic) {
    uint32_t vehicles = traffic->vehicles_count;
    PERF_SPAN("collide_vehicles", "vehicles", vehicles, "buildings", traffic->buildings_count);
    traffic->contacts_count = 0;
    dJointGroupEmpty(traffic->contacts);
    PERF_BLOCK("find_buildings", "broadphase", traffic->quadtree ? "quadtree" : "simple", "pairs",
               vehicles * traffic->buildings_count) {
        dSpaceCollide2((dGeomID)traffic->cars, (dGeomID)traffic->buildings, traffic, near);
    }
    PERF_BLOCK("find_vehicles", "vehicles", vehicles) {
        dSpaceCollide(traffic->cars, traffic, near);
    }
    PERF_BLOCK("find_ground", "wheels", vehicles * WHEELS) {
        for (uint32_t i = 0; i < vehicles; i++)
            for (int wheel = 0; wheel < WHEELS; wheel++)
                touch(traffic, traffic->vehicles[i]->wheel_geoms[wheel], traffic->ground, 1.2);
    }
    PERF_METRIC("contacts", traffic->contacts_count);
}

/* What the drivers want, to the motors of the wheels. */
static void apply(struct vehicle *vehicle) {
    for (int i = 0; i < WHEELS; i++) {
        dJointID axle = vehicle->axles[i];
        dJointSetHinge2Param(axle, dParamVel2, (dReal)(-vehicle->drive / WHEEL_RADIUS));
        if (i < 2)
            dJointSetHinge2Param(axle, dParamVel,
                                 10 * ((dReal)-vehicle->steer - dJointGetHinge2Angle1(axle)));
    }
    dBodyEnable(vehicle->chassis);
}

static void step_physics(struct engine *engine, unsigned part) {
    (void)part;
    struct traffic *traffic = engine->traffic;
    PERF_SPAN("step_physics", "vehicles", traffic->vehicles_count);
    hitches_at(engine, "step_physics");
    dAllocateODEDataForThread(
        (unsigned)dAllocateMaskAll); /* any thread of the schedule may be the one; for good */
    for (uint32_t i = 0; i < traffic->vehicles_count; i++)
        apply(traffic->vehicles[i]);
    collide(traffic);
    PERF_BLOCK("solve_constraints", "bodies", traffic->vehicles_count * (1 + WHEELS), "contacts",
               traffic->contacts_count) {
        dWorldQuickStep(traffic->world, STEP);
    }
}

/* ---- from the physics to the entities ---- */

static void move_vehicle(struct world *world, struct vehicle *vehicle) {
    struct quat turn = quat_from_ode(dBodyGetQuaternion(vehicle->chassis));
    struct quat back = {-turn.x, -turn.y, -turn.z, turn.w};
    dVector3 at, front;
    dBodyGetRelPointPos(vehicle->chassis, 0, 0, 0, at);
    dBodyVectorToWorld(vehicle->chassis, 0, -1, 0, front);
    vehicle->place = from_ode(at);
    vehicle->ahead = from_ode(front);
    vehicle->speed = vec3_dot(from_ode(dBodyGetLinearVel(vehicle->chassis)), vehicle->ahead);
    world->place[vehicle->root] = vehicle->place;
    world->turn[vehicle->root] = turn;
    for (uint32_t i = 0; i < WHEELS; i++) {
        const dReal *wheel = dBodyGetPosition(vehicle->wheels[i]);
        dBodyGetPosRelPoint(vehicle->chassis, wheel[0], wheel[1], wheel[2], at);
        uint32_t entity = vehicle->root + vehicle->wheel_node + i;
        world->place[entity] = from_ode(at);
        world->turn[entity] = quat_mul(back, quat_from_ode(dBodyGetQuaternion(vehicle->wheels[i])));
    }
    world_moved(world, vehicle->root);
}

static void move_vehicles(struct engine *engine, unsigned part) {
    (void)part;
    struct traffic *traffic = engine->traffic;
    PERF_SPAN("move_vehicles", "vehicles", traffic->vehicles_count);
    hitches_at(engine, "move_vehicles");
    uint32_t moving = 0;
    for (uint32_t i = 0; i < traffic->vehicles_count; i++) {
        struct vehicle *vehicle = traffic->vehicles[i];
        move_vehicle(&engine->world, vehicle);
        moving += vehicle->speed > 1;
        traffic->metres += (double)fabsf(vehicle->speed) * STEP;
    }
    PERF_COUNTER("vehicles_moving", moving);
    traffic->moving = moving;
}

/* ---- start and stop ---- */

static dSpaceID make_buildings_space(const struct streets *streets, bool quadtree) {
    if (!quadtree)
        return dSimpleSpaceCreate(NULL);
    double side = (double)streets->pitch * streets->crossings;
    const dVector3 middle = {0, 0, 0}, half = {side / 2, side / 2, 200};
    return dQuadTreeSpaceCreate(NULL, middle, half, 6);
}

int traffic_start(struct engine *engine, const struct streets *streets, uint32_t vehicles_max,
                  bool quadtree) {
    struct traffic *traffic = engine->traffic = calloc(1, sizeof *traffic);
    uint32_t crossings = streets->crossings * streets->crossings;
    if (traffic == NULL ||
        pool_reserve(&traffic->pool, "traffic",
                     vehicles_max * (pool_rounded(sizeof(struct vehicle)) + sizeof(void *)) +
                         crossings * sizeof(uint32_t) + 256) != 0) {
        free(traffic);
        return engine_fail(engine, "no memory for %u vehicles", vehicles_max);
    }
    traffic->streets = *streets;
    traffic->vehicles_max = vehicles_max;
    traffic->slots = (struct slots){.pool = &traffic->pool, .slot_bytes = sizeof(struct vehicle)};
    traffic->vehicles = pool_take(&traffic->pool, vehicles_max * sizeof *traffic->vehicles);
    traffic->crossing_held = pool_take(&traffic->pool, crossings * sizeof *traffic->crossing_held);
    for (uint32_t i = 0; i < crossings; i++)
        traffic->crossing_held[i] = TRAFFIC_NOBODY;
    dInitODE2(0);
    dAllocateODEDataForThread((unsigned)dAllocateMaskAll);
    traffic->random = 11;
    traffic->quadtree = quadtree;
    traffic->world = dWorldCreate();
    dWorldSetGravity(traffic->world, 0, 0, -9.81);
    dWorldSetCFM(traffic->world, 1e-6);
    traffic->cars = dSimpleSpaceCreate(NULL);
    traffic->buildings = make_buildings_space(streets, quadtree);
    traffic->ground = dCreatePlane(NULL, 0, 0, 1, 0);
    traffic->contacts = dJointGroupCreate(0);
    const struct system systems[] = {{"drive", drivers_drive, 1, {NULL}},
                                     {"step_physics", step_physics, 1, {"drive"}},
                                     {"move_vehicles", move_vehicles, 1, {"step_physics"}}};
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++)
        schedule_add(engine->schedule, &systems[i]);
    return 0;
}

void traffic_stop(struct engine *engine) {
    struct traffic *traffic = engine->traffic;
    for (uint32_t i = 0; i < traffic->vehicles_count; i++) {
        for (int wheel = 0; wheel < WHEELS; wheel++)
            dGeomDestroy(traffic->vehicles[i]->wheel_geoms[wheel]);
        slots_give(&traffic->slots, traffic->vehicles[i]);
    }
    dJointGroupDestroy(traffic->contacts);
    dSpaceDestroy(traffic->cars);
    dSpaceDestroy(traffic->buildings);
    dGeomDestroy(traffic->ground);
    dWorldDestroy(traffic->world);
    dCloseODE();
    pool_release(&traffic->pool);
    free(traffic);
}
