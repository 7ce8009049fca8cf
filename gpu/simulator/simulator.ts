import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';

export type ProfileName = 'g7e' | 'g7e-mig-1g.24gb';

/** A modelled device: what the driver says of it, and what its networks and encoder are assumed to cost. */
export interface Profile {
  readonly name: string;
  /** For the model; see simulator.h. */
  readonly set: Readonly<Record<string, number>>;
  readonly networks: ModelledCosts;
  readonly encodeMs: number;
}

/** Milliseconds of the default bundle's networks: a call, and what each frame adds. */
export interface ModelledCosts {
  readonly generateMs: number;
  readonly generateMsPerFrame: number;
  readonly decodeMs: number;
  readonly decodeMsPerFrame: number;
}

/** memory: allocations return CUDA_ERROR_OUT_OF_MEMORY; launch: a kernel fails; lost: the device is gone; hang: an operation never ends. */
const FAILURES = { memory: 1, launch: 2, lost: 3, hang: 4 };
export type Failure = keyof typeof FAILURES;

export interface Counters {
  readonly busyMs: number;
  readonly copyMs: number;
  readonly copiedBytes: number;
  readonly operations: number;
  /** What has not been given back. */
  readonly live: {
    readonly allocations: number;
    readonly streams: number;
    readonly events: number;
    readonly pins: number;
  };
}

/** @throws Error when there is no model of that name */
export function readProfile(name: string): Profile {
  const profiles = JSON.parse(readFileSync(join(import.meta.dirname, 'profiles.json'), 'utf8')) as Partial<
    Record<string, Profile>
  >;
  const profile = profiles[name];
  if (profile) return profile;
  throw new Error(`there is no model of a device "${name}", only: ${Object.keys(profiles).join(', ')}`);
}

const KINDS = ['kernel', 'copyIn', 'copyOut', 'copyOn', 'fill'] as const;
const LOGGED_WORDS = 5;

/** What an engine did, on the modelled timeline. */
export interface LoggedOperation {
  readonly stream: number;
  /** copyIn: host to device, copyOut: device to host, copyOn: on the device. */
  readonly kind: (typeof KINDS)[number];
  /** Of copies and fills. */
  readonly bytes: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** The controls of the simulated driver. One device a process, whatever thread asks. */
export class CudaSimulator {
  #logCapacity = 0;
  readonly #native: {
    readonly set: (name: string, value: number) => number;
    readonly name: (name: string) => void;
    readonly fail: (what: number, after: number) => void;
    readonly reset: () => void;
    readonly counters: (out: Float64Array) => void;
    readonly log: (capacity: number) => void;
    readonly logged: (out: Float64Array, most: number) => number;
  };

  /** @param library from {@link buildSimulator} */
  constructor(library: string) {
    const native = koffi.load(library);
    this.#native = {
      set: native.func('int simulatorSet(const char *name, double value)'),
      name: native.func('void simulatorName(const char *name)'),
      fail: native.func('void simulatorFail(int what, int64_t after)'),
      reset: native.func('void simulatorReset()'),
      counters: native.func('void simulatorCounters(void *out)'),
      log: native.func('void simulatorLog(uint64_t capacity)'),
      logged: native.func('uint64_t simulatorLogged(void *out, uint64_t most)'),
    };
  }

  /** @param speed modelled time over real time; 0: as fast as the machine can */
  use(profile: Profile, { speed = 1, moveData = true }: { speed?: number; moveData?: boolean } = {}): void {
    this.#native.name(`${profile.name} (simulated)`);
    const settings = { ...profile.set, speed, moveData: moveData ? 1 : 0 };
    for (const [name, value] of Object.entries(settings)) {
      if (this.#native.set(name, value) !== 0) throw new Error(`the simulator has no setting ${name}`);
    }
  }

  /** After so many more allocations, kernels or operations. */
  fail(what: Failure, after: number): void {
    this.#native.fail(FAILURES[what], after);
  }

  /** Brings a lost or hanging device back, as a new process would find it. Its runners must be closed. */
  reset(): void {
    this.#native.reset();
  }

  /** Keeps the next operations, at most so many, and forgets those kept before. */
  log(capacity: number): void {
    this.#logCapacity = capacity;
    this.#native.log(capacity);
  }

  /** The operations kept, in the order in which they began. */
  logged(): LoggedOperation[] {
    const out = new Float64Array(this.#logCapacity * LOGGED_WORDS);
    return Array.from({ length: this.#native.logged(out, this.#logCapacity) }, (_, index) => {
      const first = index * LOGGED_WORDS;
      const [stream = 0, kind = 0, bytes = 0, start = 0, end = 0] = out.subarray(first, first + LOGGED_WORDS);
      return { stream, kind: KINDS[kind] ?? 'kernel', bytes, startMs: start / 1e6, endMs: end / 1e6 };
    });
  }

  counters(): Counters {
    const out = new Float64Array(8);
    this.#native.counters(out);
    const [
      busy = 0,
      copy = 0,
      copiedBytes = 0,
      operations = 0,
      allocations = 0,
      streams = 0,
      events = 0,
      pins = 0,
    ] = out;
    return {
      busyMs: busy / 1e6,
      copyMs: copy / 1e6,
      copiedBytes,
      operations,
      live: { allocations, streams, events, pins },
    };
  }
}
