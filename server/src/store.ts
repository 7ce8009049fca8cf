import type { CloseReason, SessionState } from '@vizavi/signaling';

/** What other server nodes may know of a session. Times are Unix milliseconds. */
export interface SessionRecord {
  readonly id: string;
  readonly nodeId: string;
  readonly avatarId: string;
  readonly voice: string;
  readonly state: SessionState;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly closeReason: CloseReason | null;
}

/** One session's hold on one slot of one worker. */
export interface SlotLease {
  readonly leaseId: string;
  readonly workerId: string;
  readonly slotId: number;
  readonly sessionId: string;
}

/**
 * What server nodes share. Every method is atomic: of two callers that want the same slot one gets it.
 * The in-memory version serves one node, the Redis version many; both pass the same contract suite.
 */
export interface Store {
  putSession(record: SessionRecord): Promise<void>;
  getSession(id: string): Promise<SessionRecord | null>;
  deleteSession(id: string): Promise<void>;
  listSessions(): Promise<readonly SessionRecord[]>;
  /** Takes the slot; false when somebody holds it. */
  takeSlot(lease: SlotLease): Promise<boolean>;
  /** Gives it back; a lease that is not the current one changes nothing. */
  releaseSlot(lease: SlotLease): Promise<void>;
  /** Every lease on a worker, for when it is gone. */
  listLeases(workerId: string): Promise<readonly SlotLease[]>;
  close(): Promise<void>;
}
