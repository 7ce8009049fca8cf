import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SessionRecord, SlotLease, Store } from '../../server/src/store.ts';

const session = (id: string): SessionRecord => ({
  id,
  nodeId: 'n1',
  avatarId: 'mira',
  voice: 'slt',
  state: 'joining',
  createdAtMs: 1,
  expiresAtMs: 2,
  closeReason: null,
});
const lease = (leaseId: string, slotId = 0, workerId = 'w1'): SlotLease => ({
  leaseId,
  workerId,
  slotId,
  sessionId: `session-of-${leaseId}`,
});

/** What every Store does. `open` gives an empty one. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`Store: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it('keeps the latest record of a session until it is deleted', async () => {
      await store.putSession(session('a'));
      await store.putSession({ ...session('a'), state: 'live' });
      await store.putSession(session('b'));
      expect(await store.getSession('a')).toEqual({ ...session('a'), state: 'live' });
      expect((await store.listSessions()).map(({ id }) => id).sort()).toEqual(['a', 'b']);
      await store.deleteSession('a');
      expect(await store.getSession('a')).toBeNull();
      await store.deleteSession('a');
    });

    it('knows no session that was not put', async () => {
      expect(await store.getSession('none')).toBeNull();
      expect(await store.listSessions()).toEqual([]);
    });

    it('gives a slot to one of many that want it', async () => {
      const wanted = Array.from({ length: 20 }, (_, index) => store.takeSlot(lease(`l${index}`)));
      expect((await Promise.all(wanted)).filter(Boolean)).toHaveLength(1);
    });

    it('tells slots and workers apart', async () => {
      expect(await store.takeSlot(lease('a', 0, 'w1'))).toBe(true);
      expect(await store.takeSlot(lease('b', 1, 'w1'))).toBe(true);
      expect(await store.takeSlot(lease('c', 0, 'w2'))).toBe(true);
      const leases = await store.listLeases('w1');
      expect(leases.map(({ leaseId }) => leaseId).sort()).toEqual(['a', 'b']);
      expect(await store.listLeases('w3')).toEqual([]);
    });

    it('takes a slot back from its holder alone', async () => {
      await store.takeSlot(lease('old'));
      await store.releaseSlot(lease('old'));
      expect(await store.takeSlot(lease('new'))).toBe(true);
      await store.releaseSlot(lease('old'));
      expect(await store.takeSlot(lease('third'))).toBe(false);
      expect(await store.listLeases('w1')).toEqual([lease('new')]);
    });
  });
}
