/* Points in streams, and threads that wait for them. */
#include "simulator.h"
#include <stdlib.h>

Mark *new_mark(int pending) {
  Mark *mark = calloc(1, sizeof *mark);
  mark->holders = 1;
  mark->pending = pending;
  return mark;
}

Mark *hold_mark(Mark *mark) { return mark->holders++, mark; }

void release_mark(Mark *mark) {
  if (mark && --mark->holders == 0) free(mark);
}

int wait_for(Mark *mark) {
  hold_mark(mark);
  while (mark->pending && !device.lost) pthread_cond_wait(&device.done, &device.lock);
  int error = mark->error ? mark->error : device.lost;
  release_mark(mark);
  return error;
}

int drain(Stream *only) {
  Mark *mark = new_mark(0);
  for (Stream *stream = device.streams; stream; stream = stream->next) {
    if ((only && stream != only) || !stream->head) continue;
    enqueue(stream, RECORD)->mark = hold_mark(mark);
    mark->pending++;
  }
  ring_bell();
  int error = wait_for(mark);
  release_mark(mark);
  return error;
}
