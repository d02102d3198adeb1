/* A user's program in three files, which traces where its build says so. C and C++ share this header. */
#ifndef WORK_H
#define WORK_H

#ifdef __cplusplus
extern "C" {
#endif

int work(int rounds);

#ifdef __cplusplus
}
#endif
#endif
