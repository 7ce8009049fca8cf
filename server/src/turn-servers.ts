import { createHmac } from 'node:crypto';

/** As browsers' RTCPeerConnection takes it. */
export interface IceServer {
  readonly urls: string[];
  readonly username: string;
  readonly credential: string;
}

export interface TurnSettings {
  /** Such as `turn:turn.example.com:3478?transport=udp` and `turns:turn.example.com:443?transport=tcp` (RFC 7065). */
  readonly urls: readonly string[];
  /** Known to the TURN server and us alone: coturn's `static-auth-secret`. */
  readonly secret: string;
  /** How long credentials are good for. */
  readonly lifetimeSec: number;
}

/**
 * Relays for viewers whose network lets nothing else through. Each gets credentials of its own that expire by themselves
 * (draft-uberti-behave-turn-rest-00, as coturn's `use-auth-secret` reads them), so that the secret stays here.
 */
export function iceServers(settings: TurnSettings | null, nowMs: number): IceServer[] {
  if (!settings) return [];
  const { urls, secret, lifetimeSec } = settings;
  const username = String(Math.floor(nowMs / 1000) + lifetimeSec);
  const credential = createHmac('sha1', secret).update(username).digest('base64');
  return [{ urls: [...urls], username, credential }];
}
