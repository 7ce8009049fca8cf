import { buildSimulator } from '../../gpu/simulator/build.ts';
import { CudaSimulator, readProfile } from '../../gpu/simulator/simulator.ts';
import type { Profile, ProfileName } from '../../gpu/simulator/simulator.ts';
import { CudaDriver } from '../../gpu/src/cuda/cuda-driver.ts';

const PAGE_BYTES = 4096;
/** Modelled time that all but stands still: what has begun goes on for hours. */
const STILL = 1e-9;

/** The driver on the simulated device, with this thread's context and the shorthands that tests need. */
export class SimulatedCuda {
  readonly library: string;
  readonly simulator: CudaSimulator;
  readonly driver: CudaDriver;
  #profile: Profile = readProfile('g7e');

  private constructor(library: string) {
    this.library = library;
    this.simulator = new CudaSimulator(library);
    this.simulator.use(this.#profile, { speed: 0 });
    this.driver = CudaDriver.open(library);
    this.driver.useDevice(0);
  }

  static async open(): Promise<SimulatedCuda> {
    return new SimulatedCuda(await buildSimulator());
  }

  useProfile(name: ProfileName): void {
    this.#profile = readProfile(name);
    this.run();
  }

  /** Modelled time stands still: operations begin, and do not end. */
  hold(): void {
    this.simulator.use(this.#profile, { speed: STILL });
  }

  /** Modelled time passes as fast as the machine can. */
  run(): void {
    this.simulator.use(this.#profile, { speed: 0 });
  }

  /** Waits until so many operations have begun since the counters read `before`. */
  async begun(operations: number, before: number): Promise<void> {
    while (this.simulator.counters().operations < before + operations) await new Promise(setImmediate);
  }

  /** Shared memory, pinned; `bytes` lie a page from its start, and a page is left behind them. */
  pinned(bytes: number): { readonly address: number; readonly words: Uint32Array } {
    const memory = new SharedArrayBuffer(bytes + 2 * PAGE_BYTES);
    const address = this.driver.pin(memory, PAGE_BYTES, bytes);
    return { address, words: new Uint32Array(memory, PAGE_BYTES, bytes / 4) };
  }

  /** A kernel that only takes time. */
  busy(ms: number, stream: number): void {
    const kernel = this.driver.loadKernel(Buffer.alloc(8), 'simulated_busy');
    this.driver.launch(kernel, 1, 1, [ms * 1e6], stream);
  }

  /** A kernel that fills frame i with `first + i`. */
  frames(out: number, frameBytes: number, frames: number, first: number, ms: number, stream: number): void {
    const kernel = this.driver.loadKernel(Buffer.alloc(8), 'simulated_frames');
    this.driver.launch(kernel, 1, 1, [out, frameBytes, frames, first, ms * 1e6], stream);
  }
}
