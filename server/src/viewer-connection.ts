import { serverToViewer, VizaviError, viewerToServer } from '@vizavi/signaling';
import type { CallHandlers, Role, ViewerToServer } from '@vizavi/signaling';
import type { Connection } from '@vizavi/signaling/gateway';
import type { Microphone } from './media.ts';
import type { Session } from './session.ts';
import type { Telemetry } from './telemetry.ts';
import type { Viewer, ViewerPeer } from './viewer.ts';

/** Answers what a viewer asks over one connection. Its token says what it may do: an audience only watches. */
export function serveViewer(
  connection: Connection,
  session: Session,
  role: Role,
  telemetry: Telemetry,
): void {
  let mine: Viewer | null = null;
  const viewer = (): Viewer => {
    if (!mine) throw new VizaviError('invalid_state', 'session.start comes first');
    if (!mine.isOn(connection)) {
      throw new VizaviError('invalid_state', 'another connection speaks for this viewer now');
    }
    return mine;
  };
  /** One who may do more than watch. */
  const speaker = (): Viewer => {
    if (role === 'audience') throw new VizaviError('forbidden', 'an audience only watches');
    return viewer();
  };
  const microphone = (): Microphone => session.talk.microphone(speaker().viewerId);
  const peer: ViewerPeer = connection.peer({
    incoming: viewerToServer,
    outgoing: serverToViewer,
    notices: {},
    onError: countErrors(telemetry),
    calls: {
      'session.start': async ({ viewerId, lastEventSeq }) => {
        if (mine && mine.viewerId !== viewerId) {
          throw new VizaviError('invalid_state', 'this connection belongs to another viewer');
        }
        mine = session.admit(viewerId, connection);
        return session.start(mine, connection, peer, role, lastEventSeq);
      },
      'media.consume': async ({ rtpCapabilities }) => ({
        consumers: await viewer().media.consume(rtpCapabilities),
      }),
      'media.connect': async ({ dtlsParameters }) => {
        await viewer().media.connect(dtlsParameters);
        return {};
      },
      'media.resume': async () => {
        await session.resume(viewer());
        return {};
      },
      'media.restartIce': async () => ({ iceParameters: await viewer().media.restartIce() }),
      'session.keepAlive': () => {
        viewer();
        session.keepAlive();
        return {};
      },
      'session.stop': async () => {
        speaker();
        await session.close('client');
        return {};
      },
      'session.stats': () => {
        viewer();
        return session.stats();
      },
      repeat: ({ utteranceId, text, ...manner }) => {
        speaker();
        session.speech.say(utteranceId, text, manner);
        return {};
      },
      gesture: ({ gesture }) => {
        speaker();
        session.speech.gesture(gesture);
        return {};
      },
      repeatAudio: (piece) => {
        speaker();
        session.repeatAudio(piece);
        return {};
      },
      interrupt: () => {
        speaker();
        return session.talk.conversation.interrupt();
      },
      message: async ({ replyId, text }) => {
        speaker();
        await session.talk.conversation.message(replyId, text);
        return {};
      },
      'microphone.open': async () => ({
        transport: session.reachable(await session.talk.openMicrophone(speaker().viewerId)),
      }),
      'microphone.connect': async ({ dtlsParameters }) => {
        await microphone().connect(dtlsParameters);
        return {};
      },
      'microphone.produce': async ({ rtpParameters }) => ({
        producerId: await microphone().produce(rtpParameters),
      }),
      'microphone.close': () => {
        session.talk.closeMicrophone(speaker().viewerId);
        return {};
      },
      'listening.set': ({ mode, route = 'answer' }) => {
        speaker();
        session.talk.listen(mode, route);
        return {};
      },
      'pushToTalk.start': () => {
        speaker();
        session.talk.push(true);
        return {};
      },
      'pushToTalk.stop': () => {
        speaker();
        session.talk.push(false);
        return {};
      },
      'user.heard': ({ text, final }) => {
        speaker();
        session.talk.heard(text, final);
        return {};
      },
      'tool.result': ({ callId, result, failed }) => {
        speaker();
        session.talk.conversation.toolResult(callId, result, failed);
        return {};
      },
      'audience.ask': ({ askId, text }) => {
        session.viewers.questions.ask(viewer().viewerId, askId, text);
        return {};
      },
      'page.set': ({ state }) => {
        speaker();
        session.viewers.setPage(state);
        return {};
      },
    },
  });
  connection.onClose(() => mine?.detach(connection));
}

/** Answers whatever is asked with `error`: the session that the viewer's token names is over. */
export function refuseViewer(connection: Connection, error: VizaviError, telemetry: Telemetry): void {
  const refuse = (): never => {
    throw error;
  };
  const names = Object.keys(viewerToServer.calls);
  connection.peer({
    incoming: viewerToServer,
    outgoing: serverToViewer,
    notices: {},
    onError: countErrors(telemetry),
    calls: Object.fromEntries(names.map((name) => [name, refuse])) as unknown as CallHandlers<ViewerToServer>,
  });
}

function countErrors(telemetry: Telemetry): (error: VizaviError) => void {
  return (error) => {
    telemetry.metrics.signalingErrors.inc({ code: error.code });
    if (error.code === 'internal')
      telemetry.log.error({ err: error.cause ?? error }, 'a viewer’s call failed');
  };
}
