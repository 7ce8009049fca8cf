import { serverToViewer, VizaviError, viewerToServer } from '@vizavi/signaling';
import type { CallHandlers, ViewerToServer } from '@vizavi/signaling';
import type { Connection } from '@vizavi/signaling/gateway';
import type { Session } from './session.ts';
import type { Telemetry } from './telemetry.ts';
import type { Viewer, ViewerPeer } from './viewer.ts';

/** Answers what a viewer asks over one connection. */
export function serveViewer(connection: Connection, session: Session, telemetry: Telemetry): void {
  let mine: Viewer | null = null;
  const viewer = (): Viewer => {
    if (!mine) throw new VizaviError('invalid_state', 'session.start comes first');
    if (!mine.isOn(connection)) {
      throw new VizaviError('invalid_state', 'another connection speaks for this viewer now');
    }
    return mine;
  };
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
        return session.start(mine, connection, peer, lastEventSeq);
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
        viewer();
        await session.close('client');
        return {};
      },
      'session.stats': () => {
        viewer();
        return session.stats();
      },
      repeat: ({ utteranceId, text, emotion }) => {
        viewer();
        session.repeat(utteranceId, text, emotion);
        return {};
      },
      repeatAudio: (piece) => {
        viewer();
        session.repeatAudio(piece);
        return {};
      },
      interrupt: () => {
        viewer();
        return session.interrupt();
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
