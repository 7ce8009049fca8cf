import type { ToHearingThread } from './hearing-messages.ts';

/** Packets on their way to the thread: all that come within one turn of the event loop go as one message. */
export class PacketBatch {
  readonly #send: (message: ToHearingThread, transfer: ArrayBuffer[]) => void;
  #ears: number[] = [];
  #packets: Uint8Array[] = [];
  #flush: NodeJS.Immediate | null = null;

  constructor(send: (message: ToHearingThread, transfer: ArrayBuffer[]) => void) {
    this.#send = send;
  }

  /** Copies the packet: its buffer may be a piece of a larger one, or be used again. */
  add(ear: number, packet: Uint8Array): void {
    this.#ears.push(ear);
    this.#packets.push(packet.slice());
    this.#flush ??= setImmediate(() => this.#sendAll());
  }

  clear(): void {
    if (this.#flush) clearImmediate(this.#flush);
    this.#flush = null;
    this.#ears = [];
    this.#packets = [];
  }

  #sendAll(): void {
    const [ears, packets] = [this.#ears, this.#packets];
    this.clear();
    const lengths = packets.map(({ length }) => length);
    const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const packet of packets) {
      bytes.set(packet, at);
      at += packet.length;
    }
    this.#send({ type: 'packets', ears, lengths, bytes }, [bytes.buffer]);
  }
}
