import { beforeEach, describe, expect, it } from 'vitest';
import { Tokens } from '../../../server/src/token.ts';

const SECRET = 'a secret of more than thirty-two characters';
let nowMs = 1_800_000_000_000;
let tokens: Tokens;
beforeEach(() => {
  nowMs = 1_800_000_000_000;
  tokens = new Tokens(SECRET, () => nowMs);
});

const sign = (): Promise<string> =>
  tokens.sign({ sessionId: 'abc', role: 'presenter', expiresAtMs: nowMs + 60_000 });

describe('a token', () => {
  it('opens its session until it expires', async () => {
    const token = await sign();
    await expect(tokens.verify(token)).resolves.toEqual({ sessionId: 'abc', role: 'presenter' });
    nowMs += 59_000;
    await expect(tokens.verify(token)).resolves.toEqual({ sessionId: 'abc', role: 'presenter' });
    nowMs += 2000;
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'token_expired', retryable: false });
  });

  it('opens nothing on another server', async () => {
    const other = new Tokens(`${SECRET}!`, () => nowMs);
    await expect(other.verify(await sign())).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('opens nothing when it was changed', async () => {
    const [header, payload, signature] = (await sign()).split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'xyz' })).toString('base64url');
    const unsigned = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    for (const token of [`${header}.${forged}.${signature}`, `${unsigned}.${payload}.`]) {
      await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'unauthorized' });
    }
  });

  it.each([undefined, null, '', 'x.y.z', 7, {}])('is not %j', async (value) => {
    await expect(tokens.verify(value)).rejects.toMatchObject({ code: 'unauthorized' });
  });
});
