/** What `vizavi_studio.build_actor` has written. Lengths in cm; +y up, +z forward. */
export interface ActorSpec {
  readonly id: string;
  readonly eyes: { readonly inner: Colour; readonly outer: Colour };
  readonly hair: { readonly color: Colour };
  readonly brows: { readonly color: Colour };
  readonly lashes: { readonly color: Colour };
  readonly garment: { readonly color: Colour; readonly sheen: Colour };
  readonly rest: Readonly<Record<string, number>>;
}
export type Colour = readonly [number, number, number];

interface ArrayPlace {
  readonly offset: number;
  readonly length: number;
  readonly type: 'f32' | 'i32';
}

interface ActorFacts {
  readonly arrays: Readonly<Record<string, ArrayPlace>>;
  readonly materials: readonly string[];
  readonly expressions: readonly string[];
  readonly strands: readonly StrandFacts[];
  readonly landmarks: readonly (readonly [number, number, number])[];
  readonly eyes: Readonly<Record<'right' | 'left', readonly [number, number, number]>>;
  readonly spec: ActorSpec;
}

export interface StrandFacts {
  readonly name: 'hair' | 'brow' | 'lash';
  readonly count: number;
  readonly steps: number;
  readonly radius: number;
}

export class ActorFile {
  readonly facts: ActorFacts;
  readonly #bytes: ArrayBuffer;
  readonly #url: string;

  private constructor(url: string, facts: ActorFacts, bytes: ArrayBuffer) {
    this.#url = url;
    this.facts = facts;
    this.#bytes = bytes;
  }

  static async load(url: string): Promise<ActorFile> {
    const [facts, bytes] = await Promise.all([fetch(`${url}/actor.json`), fetch(`${url}/actor.bin`)]);
    return new ActorFile(url, (await facts.json()) as ActorFacts, await bytes.arrayBuffer());
  }

  floats(name: string): Float32Array<ArrayBuffer> {
    const { offset, length } = this.#place(name, 'f32');
    return new Float32Array(this.#bytes, offset, length);
  }

  ints(name: string): Int32Array<ArrayBuffer> {
    const { offset, length } = this.#place(name, 'i32');
    return new Int32Array(this.#bytes, offset, length);
  }

  image(name: string): string {
    return `${this.#url}/${name}.png`;
  }

  #place(name: string, type: ArrayPlace['type']): ArrayPlace {
    const place = this.facts.arrays[name];
    if (place?.type !== type) throw new Error(`actor.bin has no ${type} array ${name}`);
    return place;
  }
}
