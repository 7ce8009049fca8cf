/*
 * A CUDA device that is modelled: the subset of the driver API that vizavi uses, with the real one's names, order and
 * errors. Times are those of a model, data is really moved. Device memory is
 * host memory; everything is done under one lock by one thread, in the order of the modelled times.
 */
#pragma once
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* CUresult */
enum {
  OK = 0,
  INVALID_VALUE = 1,
  OUT_OF_MEMORY = 2,
  NOT_INITIALIZED = 3,
  DEVICE_UNAVAILABLE = 46,
  INVALID_DEVICE = 101,
  INVALID_CONTEXT = 201,
  INVALID_HANDLE = 400,
  NOT_FOUND = 500,
  NOT_READY = 600,
  ILLEGAL_ADDRESS = 700,
  ALREADY_REGISTERED = 712,
  NOT_REGISTERED = 713,
  LAUNCH_FAILED = 719,
};

typedef enum { KERNEL, COPY_IN, COPY_OUT, COPY_ON, FILL, RECORD, WAIT } Kind;
typedef enum { GENERATE = 1, DECODE, FRAMES, BUSY } KernelName;

/* Rows are one row for plain copies. */
typedef struct {
  uint64_t to, from, to_pitch, from_pitch, row_bytes, rows;
} Move;

/* A point in one stream, or in several: past when none of its recordings is outstanding. */
typedef struct {
  int holders, pending;
  /* Modelled time of the last recording. */
  double at_ns;
  /* The device was reset before the point was reached. */
  int error;
} Mark;

/* Handles are never used again, so that a stale one is always found out. */
typedef struct Event {
  struct Event *next;
  uint64_t handle;
  /* The last recording asked for; NULL: none. */
  Mark *mark;
} Event;

typedef struct Op {
  struct Op *next;
  Kind kind;
  int running;
  /* Counts all operations: those that could begin at the same time begin in this order. */
  uint64_t order;
  double asked_ns, start_ns, end_ns, length_ns;
  Move move;
  uint32_t value;
  KernelName kernel;
  uint64_t args[10];
  Mark *mark;
} Op;

typedef struct Stream {
  struct Stream *next;
  uint64_t handle;
  /* Nobody can use it any more; it ends when it is empty. */
  int destroyed;
  Op *head, *tail;
  double free_ns;
} Stream;

typedef struct Block {
  struct Block *next;
  uint64_t address, bytes;
} Block;

typedef struct {
  double memory_bytes, multiprocessors, copy_engines, major, minor;
  /* Bytes a nanosecond, that is GB/s. */
  double pinned_gbps, pageable_gbps, device_gbps, launch_us;
  /* Modelled time over real time; 0: as fast as this machine can. */
  double speed;
  /* 0: frames are not written and not copied, only their times are modelled. */
  double move_data;
  /* 13000 is CUDA 13.0. */
  double driver_version;
} Profile;

/* Of the log of operations. */
typedef struct {
  double stream, kind, bytes, start_ns, end_ns;
} Logged;

typedef struct {
  pthread_mutex_t lock;
  /* Something was enqueued; something has happened. */
  pthread_cond_t work, done;
  Profile profile;
  char name[128];
  int initialized, contexts;
  Stream *streams;
  Event *events;
  Block *blocks, *pins;
  double allocated_bytes;
  uint64_t handles, orders;
  /* When each engine is free. Copies of one direction share the link: more engines do not make them faster. */
  double compute_ns, in_ns, out_ns;
  /* Modelled time since the speed was set, and the real time then. With speed 0 the first alone is the clock. */
  double from_ns, from_real_ns;
  /* The error that every call returns once the device is lost. */
  int lost;
  /* Failure on demand: what, and how many calls before it. */
  int fail_what;
  int64_t fail_after;
  /* A file: when it is there, it is removed, and the device is lost. For processes that nobody can call. */
  const char *lose_when;
  double busy_ns, copy_ns, copied_out_bytes, operations;
  Logged *log;
  uint64_t log_length, log_capacity;
} Device;

enum { FAIL_NOTHING, FAIL_MEMORY, FAIL_LAUNCH, FAIL_LOST, FAIL_HANG };

extern Device device;

#define API __attribute__((visibility("default")))

/* All that follows, but for lock and now_ns, is called with the lock held. */

/* driver-api.c; fault: the error that any call with a context must return first; unlock returns its argument. */
void lock(void);
int unlock(int result);
int fault(void);

/* driver-streams.c; NULL where there is none. */
Stream *stream_of(uint64_t handle);

/* device-model.c */
double now_ns(void);
void set_speed(double speed);
void start_device(void);
Op *enqueue(Stream *stream, Kind kind);
void ring_bell(void);
void lose_device(int error);
Block *find_block(Block *list, uint64_t address, uint64_t bytes);

/* device-marks.c; drain waits for what one stream, or with NULL every stream, now holds. */
Mark *new_mark(int pending);
Mark *hold_mark(Mark *mark);
void release_mark(Mark *mark);
int wait_for(Mark *mark);
int drain(Stream *only);

/* kernels.c; half 0 at an operation's start, 1 at its end. reachable: all device memory that it touches is allocated. */
void move_data(const Op *op, int half);
int reachable(const Op *op);
