import { VizaviError } from '@vizavi/signaling';
import type { WebRtcTransport } from 'mediasoup/types';
import type { Ortc, TransportInfo } from './media.ts';

/** mediasoup throws a TypeError for arguments that it cannot read: those came from the viewer. */
export async function attempt<T>(run: () => Promise<T> | T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw mediaError(error);
  }
}

export function mediaError(error: unknown): VizaviError {
  if (error instanceof VizaviError) return error;
  if (error instanceof TypeError) {
    return new VizaviError('invalid_message', 'unreadable media parameters', { cause: error });
  }
  return new VizaviError('media_failed', 'the media server could not do this', { cause: error });
}

/** What a browser needs to know of a transport. */
export function describeTransport(transport: WebRtcTransport): TransportInfo {
  const { id, iceParameters, iceCandidates, dtlsParameters } = transport;
  return {
    id,
    iceParameters: asOrtc(iceParameters),
    iceCandidates: iceCandidates.map(asOrtc),
    dtlsParameters: asOrtc(dtlsParameters),
  };
}

/** mediasoup's dictionaries are plain JSON; their types merely lack an index signature. */
export function asOrtc(value: object): Ortc {
  return value as Ortc;
}
