import { createElement, forwardRef, useEffect, useImperativeHandle, useRef } from 'react';
import type { CSSProperties, ReactNode } from 'react';
import type { VizaviAvatar } from '../element/vizavi-avatar.ts';

type Handler = (detail: never, event: CustomEvent) => void;

/** The attributes of `<vizavi-avatar>`, and what it tells. */
export interface AvatarProps {
  readonly src?: string;
  readonly token?: string;
  readonly tokenUrl?: string;
  readonly avatar?: string;
  readonly voice?: string;
  readonly autostart?: boolean;
  readonly listen?: 'off' | 'open' | 'push';
  readonly captions?: 'on' | 'off';
  readonly controls?: 'none' | 'basic' | 'full';
  readonly fit?: 'cover' | 'contain';
  readonly crop?: 'portrait' | 'landscape' | 'square' | 'bubble';
  readonly background?: 'scene' | 'transparent';
  readonly greeting?: string;
  readonly placeholder?: string;
  readonly lang?: string;
  /** JSON, see `texts` of the element. */
  readonly texts?: string;
  readonly id?: string;
  readonly className?: string;
  readonly style?: CSSProperties;
  readonly children?: ReactNode;
  /** By the event's name after `vizavi:`, such as `state`, `reply`, `error`, `tool`: called with its detail. */
  readonly on?: Readonly<Record<string, Handler>>;
}

/** `<vizavi-avatar>`; its ref is the element. */
export const Avatar = forwardRef<VizaviAvatar | null, AvatarProps>(function Avatar(props, ref) {
  const { tokenUrl, autostart, className, on, children, ...attributes } = props;
  const element = useRef<VizaviAvatar | null>(null);
  useImperativeHandle<VizaviAvatar | null, VizaviAvatar | null>(ref, () => element.current, []);
  useEffect(() => {
    // Not on a server: there are no elements.
    void import('../element.ts');
  }, []);
  useEffect(() => {
    const target = element.current;
    const listening = new AbortController();
    for (const [name, handler] of Object.entries(on ?? {})) {
      const listener = (event: Event): void => {
        handler((event as CustomEvent).detail as never, event as CustomEvent);
      };
      target?.addEventListener(`vizavi:${name}`, listener, { signal: listening.signal });
    }
    return () => {
      listening.abort();
    };
  }, [on]);
  return createElement(
    'vizavi-avatar',
    {
      ...attributes,
      ref: element,
      // React 18 hands custom elements their attributes as they are.
      ...(className !== undefined && { class: className }),
      ...(tokenUrl !== undefined && { 'token-url': tokenUrl }),
      ...(autostart === true && { autostart: '' }),
    },
    children,
  );
});
