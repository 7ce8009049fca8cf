import { ROLES, VizaviError } from '@vizavi/signaling';
import type { Role } from '@vizavi/signaling';
import { SignJWT, errors, jwtVerify } from 'jose';

const ISSUER = 'vizavi';
const AUDIENCE = 'vizavi-session';
const ALGORITHM = 'HS256';

export interface TokenClaims {
  readonly sessionId: string;
  readonly role: Role;
  /** Unix milliseconds; kept to the second below. */
  readonly expiresAtMs: number;
}

/** Signs and verifies what a browser holds of a session: JWTs (RFC 7519) that open this one session and nothing else. */
export class Tokens {
  readonly #key: Uint8Array;
  readonly #nowMs: () => number;

  /** @param secret at least 32 characters @param nowMs Unix milliseconds */
  constructor(secret: string, nowMs: () => number = Date.now) {
    this.#key = new TextEncoder().encode(secret);
    this.#nowMs = nowMs;
  }

  sign({ sessionId, role, expiresAtMs }: TokenClaims): Promise<string> {
    return new SignJWT({ role })
      .setProtectedHeader({ alg: ALGORITHM })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(sessionId)
      .setIssuedAt(Math.floor(this.#nowMs() / 1000))
      .setExpirationTime(Math.floor(expiresAtMs / 1000))
      .sign(this.#key);
  }

  /** @throws VizaviError `token_expired`, `unauthorized` */
  async verify(token: unknown): Promise<Pick<TokenClaims, 'sessionId' | 'role'>> {
    if (typeof token !== 'string') throw new VizaviError('unauthorized', 'A token is needed.');
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(this.#nowMs()),
      });
      // What names no role that is known here may do least.
      const role = ROLES.find((name) => name === payload['role']) ?? 'audience';
      return { sessionId: payload.sub ?? '', role };
    } catch (cause) {
      if (cause instanceof errors.JWTExpired) {
        throw new VizaviError('token_expired', 'This token has expired.', { cause });
      }
      throw new VizaviError('unauthorized', 'This token is not valid here.', { cause });
    }
  }
}
