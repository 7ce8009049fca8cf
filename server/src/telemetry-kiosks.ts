import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { KioskBoard } from './kiosk-board.ts';

/** What `board` knows, for Prometheus. */
export function addKioskMetrics(registry: Registry, board: KioskBoard): void {
  const registers = [registry];
  new Gauge({
    name: 'vizavi_kiosk_last_seen_seconds',
    help: 'Since the last beacon of a kiosk',
    labelNames: ['kiosk'],
    registers,
    collect() {
      this.reset();
      for (const report of board.list()) this.set({ kiosk: report.kioskId }, board.silentSec(report));
    },
  });
  new Gauge({
    name: 'vizavi_kiosk_state',
    help: '1 for the state that a kiosk was last in',
    labelNames: ['kiosk', 'state'],
    registers,
    collect() {
      this.reset();
      for (const { kioskId, state } of board.list()) this.set({ kiosk: kioskId, state }, 1);
    },
  });
  for (const [figure, help] of [
    ['visitors', 'Conversations of a kiosk since its page was loaded'],
    ['errors', 'Failures of a kiosk since its page was loaded'],
  ] as const) {
    new Gauge({
      name: `vizavi_kiosk_${figure}`,
      help,
      labelNames: ['kiosk'],
      registers,
      collect() {
        this.reset();
        for (const report of board.list()) this.set({ kiosk: report.kioskId }, report[figure]);
      },
    });
  }
}
