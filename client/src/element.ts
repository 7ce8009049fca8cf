/** Defines `<vizavi-avatar>`; loading this module is enough. */
import { VizaviAvatar } from './element/vizavi-avatar.ts';

export type { ToolEventDetail } from './element/avatar-element-events.ts';
export type { ElementState } from './element/panel.ts';
export { VizaviAvatar };

declare global {
  interface HTMLElementTagNameMap {
    'vizavi-avatar': VizaviAvatar;
  }
}

if (!customElements.get('vizavi-avatar')) customElements.define('vizavi-avatar', VizaviAvatar);
