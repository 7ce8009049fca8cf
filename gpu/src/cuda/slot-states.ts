import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from '../avatar-bundle.ts';
import type { CudaDriver } from './cuda-driver.ts';
import type { DeviceMemory } from './device-buffers.ts';
import type { DevicePointer, GenerateCall } from './device-networks.ts';

const FLOAT_BYTES = 4;

/** The generator's state tensors of one slot on the device, twice: a chunk reads one copy and writes the other. */
export class SlotState {
  readonly #tensors: readonly {
    readonly pair: readonly DevicePointer[];
    count: number;
    initialBits: number;
  }[];
  readonly #driver: CudaDriver;
  #turn = 0;
  #fresh = true;

  constructor(bundle: AvatarBundle, driver: CudaDriver, memory: DeviceMemory) {
    this.#driver = driver;
    this.#tensors = bundle.states.map(({ shape, initial }) => {
      const count = shape.reduce((product, length) => product * length, 1);
      const pair = [memory.allocate(count * FLOAT_BYTES), memory.allocate(count * FLOAT_BYTES)];
      return { pair, count, initialBits: new Uint32Array(Float32Array.of(initial).buffer)[0] ?? 0 };
    });
  }

  /** The next chunk begins anew. */
  renew(): void {
    this.#fresh = true;
  }

  /** What the next chunk reads and writes; brought to its initial value on the stream where that is due. */
  next(reset: boolean, stream: number): GenerateCall['states'] {
    return this.#tensors.map(({ pair, count, initialBits }) => {
      const [input = 0, output = 0] = this.#turn === 0 ? pair : [...pair].reverse();
      if (reset || this.#fresh) this.#driver.fill(input, initialBits, count, stream);
      return { input, output };
    });
  }

  /** The chunk has been enqueued: its output is the next one's input. */
  flip(): void {
    this.#turn = 1 - this.#turn;
    this.#fresh = false;
  }
}

/** The states of all slots. Memory is kept when a session ends: freeing it would make the device wait. */
export class SlotStates {
  readonly #make: () => SlotState;
  readonly #known = new Map<number, SlotState>();
  readonly #attached = new Set<number>();

  constructor(bundle: AvatarBundle, driver: CudaDriver, memory: DeviceMemory) {
    this.#make = () => new SlotState(bundle, driver, memory);
  }

  attach(slotId: number): void {
    const state = this.#known.get(slotId) ?? this.#make();
    state.renew();
    this.#known.set(slotId, state);
    this.#attached.add(slotId);
  }

  detach(slotId: number): void {
    this.#attached.delete(slotId);
  }

  /** @throws VizaviError `inference_failed` when the slot is not attached */
  of(slotId: number): SlotState {
    const state = this.#attached.has(slotId) ? this.#known.get(slotId) : undefined;
    if (!state) throw new VizaviError('inference_failed', `slot ${slotId} is not attached`);
    return state;
  }
}
