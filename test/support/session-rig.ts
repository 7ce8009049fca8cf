import { Peer, serverToViewer, viewerToServer } from '@vizavi/signaling';
import type { Role, ServerToViewer, SessionEvent, ViewerToServer } from '@vizavi/signaling';
import { MemoryStore } from '../../server/src/memory-store.ts';
import type { Ears } from '../../server/src/ears/ears.ts';
import { SessionRegistry } from '../../server/src/session-registry.ts';
import type { SessionRegistryOptions } from '../../server/src/session-registry.ts';
import type { SessionInfo, SessionOptions } from '../../server/src/session-service.ts';
import { SlotDirectory } from '../../server/src/slot-directory.ts';
import { createTelemetry } from '../../server/src/telemetry.ts';
import type { SpeakOptions, SpeechChunk, Voice } from '../../server/src/voice/voice.ts';
import { FakeBrain } from './fake-brain.ts';
import { FakeHearing } from './fake-hearing.ts';
import { FakeMedia } from './fake-media.ts';
import { ManualClock, settle } from './manual-clock.ts';
import { ScriptedWorker } from './scripted-worker.ts';
import { FakeConnection, socketPair } from './socket-pair.ts';
import type { SocketEnd } from './socket-pair.ts';

/** A second of sound for each word: sample values count up from 1, so that each tells its place. */
export class CountingVoice implements Voice {
  readonly sampleRate = 1000;
  readonly voices = ['slt', 'rms'];
  /** Words spoken so far, over all texts. */
  spoken = 0;

  async *speak(text: string, { signal, onSkipped }: SpeakOptions = {}): AsyncIterable<SpeechChunk> {
    let startMs = 0;
    for (const { 0: word, index } of text.matchAll(/\S+/g)) {
      await Promise.resolve();
      signal?.throwIfAborted();
      const place = { text: word, textStart: index, textEnd: index + word.length };
      if (word === 'BROKEN') throw new Error('the voice broke');
      if (word === '🙂') {
        onSkipped?.(place);
        continue;
      }
      this.spoken += 1;
      const pcm = Int16Array.from({ length: this.sampleRate }, (_, index) => startMs + index + 1);
      yield { pcm, ...place, startMs, durationMs: 1000 };
      startMs += 1000;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A browser, as far as signaling goes. */
export class RigViewer {
  readonly events: { readonly seq: number; readonly event: SessionEvent }[] = [];
  readonly socket: SocketEnd;
  readonly connection: FakeConnection;
  readonly peer: Peer<ServerToViewer, ViewerToServer>;

  constructor() {
    const [mine, theirs] = socketPair();
    this.socket = mine;
    this.connection = new FakeConnection(theirs);
    const names = Object.keys(serverToViewer.notices) as SessionEvent['type'][];
    const notices = Object.fromEntries(
      names.map((type) => [
        type,
        (body: never, seq: number) => void this.events.push({ seq, event: { type, body } }),
      ]),
    );
    this.peer = new Peer(mine, {
      incoming: serverToViewer,
      outgoing: viewerToServer,
      calls: {},
      notices: notices as never,
    });
  }

  /** Bodies of all events of a type. */
  of<T extends SessionEvent['type']>(type: T): Extract<SessionEvent, { type: T }>['body'][] {
    return this.events.flatMap(({ event }) => (event.type === type ? [event.body as never] : []));
  }

  async watch(viewerId: string, lastEventSeq = -1): Promise<boolean> {
    const { resumed } = await this.peer.call('session.start', { viewerId, lastEventSeq });
    if (!resumed) await this.consume();
    return resumed;
  }

  async consume(): Promise<void> {
    await this.peer.call('media.consume', { rtpCapabilities: {} });
    await this.peer.call('media.resume', {});
    await settle();
  }
}

/** Sessions on scripted workers, with time that stands still. */
export class SessionRig {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore();
  readonly voice = new CountingVoice();
  readonly brain = new FakeBrain();
  readonly hearing = new FakeHearing();
  readonly #ears: Ears | null;
  readonly telemetry = createTelemetry({ level: 'silent', format: 'json' });
  readonly directory = new SlotDirectory({
    store: this.store,
    telemetry: this.telemetry,
    clock: this.clock,
  });
  readonly media: FakeMedia[] = [];
  failMedia = false;
  readonly registry: SessionRegistry;

  readonly #standIn: { voice(): Promise<Voice> } | null;

  /**
   * @param ears of the server; by default the browser has to hear
   * @param standIn what there is when the voice fails
   */
  constructor(ears: Ears | null = null, standIn: { voice(): Promise<Voice> } | null = null) {
    this.#ears = ears;
    this.#standIn = standIn;
    this.registry = new SessionRegistry(this.#parts());
  }

  #parts(): SessionRegistryOptions {
    return {
      directory: this.directory,
      createMedia: (events) => {
        if (this.failMedia) return Promise.reject(new Error('no media'));
        const media = new FakeMedia(events, 10_000 + 100 * this.media.length);
        this.media.push(media);
        return Promise.resolve(media);
      },
      store: this.store,
      voice: this.voice,
      standIn: this.#standIn,
      brain: this.brain,
      ears: this.#ears,
      hearing: this.hearing,
      fallbackLine: 'Sorry.',
      iceServers: () => [{ urls: ['turn:relay.example'], username: 'u', credential: 'c' }],
      telemetry: this.telemetry,
      clock: this.clock,
      nodeId: 'node',
      codec: 'h264',
      maxBitrateBps: 800_000,
      maxViewers: 2,
      joinTimeoutMs: 60_000,
      graceMs: 15_000,
      idleTimeoutMs: 120_000,
      maxDurationMs: 600_000,
      maxQueue: 2,
      queueTimeoutMs: 120_000,
    };
  }

  async worker(
    workerId = 'w1',
    slots = 1,
    bundle: { id: string; voice: string | null } = { id: 'mira', voice: null },
  ): Promise<ScriptedWorker> {
    const worker = new ScriptedWorker(workerId);
    this.directory.connect(worker.connection);
    await worker.register(slots, bundle.id, bundle.voice);
    return worker;
  }

  connect(sessionId: string, role: Role = 'visitor'): RigViewer {
    const viewer = new RigViewer();
    this.registry.connectViewer(viewer.connection, { sessionId, role });
    return viewer;
  }

  /** A session that one viewer watches. */
  async live(options: SessionOptions = {}): Promise<{ session: SessionInfo; viewer: RigViewer }> {
    const session = await this.registry.create(options);
    const viewer = this.connect(session.sessionId);
    await viewer.watch('v1');
    return { session, viewer };
  }

  state(sessionId: string): string {
    const { state, closeReason } = this.registry.info(sessionId);
    return closeReason === null ? state : `${state}: ${closeReason}`;
  }
}
