import type { SessionRecord, SlotLease, Store } from './store.ts';

/** The Store of a single node. */
export class MemoryStore implements Store {
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #leases = new Map<string, SlotLease>();

  putSession(record: SessionRecord): Promise<void> {
    this.#sessions.set(record.id, { ...record });
    return Promise.resolve();
  }

  getSession(id: string): Promise<SessionRecord | null> {
    return Promise.resolve(this.#sessions.get(id) ?? null);
  }

  deleteSession(id: string): Promise<void> {
    this.#sessions.delete(id);
    return Promise.resolve();
  }

  listSessions(): Promise<readonly SessionRecord[]> {
    return Promise.resolve([...this.#sessions.values()]);
  }

  takeSlot(lease: SlotLease): Promise<boolean> {
    const key = slotKey(lease);
    if (this.#leases.has(key)) return Promise.resolve(false);
    this.#leases.set(key, { ...lease });
    return Promise.resolve(true);
  }

  releaseSlot(lease: SlotLease): Promise<void> {
    const key = slotKey(lease);
    if (this.#leases.get(key)?.leaseId === lease.leaseId) this.#leases.delete(key);
    return Promise.resolve();
  }

  listLeases(workerId: string): Promise<readonly SlotLease[]> {
    return Promise.resolve([...this.#leases.values()].filter((lease) => lease.workerId === workerId));
  }

  close(): Promise<void> {
    this.#sessions.clear();
    this.#leases.clear();
    return Promise.resolve();
  }
}

function slotKey(lease: SlotLease): string {
  return `${lease.workerId}/${lease.slotId}`;
}
