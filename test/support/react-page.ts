import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A page's script: a component that uses every hook once, in React's strict mode. */
export async function reactPage(serverUrl: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source(serverUrl), resolveDir: `${ROOT}test`, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    minify: true,
    define: { 'process.env.NODE_ENV': '"development"' },
  });
  // The text stands in an element of the page.
  return (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
}

const source = (serverUrl: string): string => `
import { createElement as h, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { Avatar, useAvatarSession, useCaption, useTranscript } from '../client/src/react.ts';

function Face({ token }: { token: string }) {
  const { session, state, error, attach } = useAvatarSession({ token, url: ${JSON.stringify(serverUrl)} });
  const transcript = useTranscript(session);
  const caption = useCaption(session);
  return h('div', null,
    error ? error.code : state,
    transcript.map(({ role, id, text }) => h('p', { key: role + id }, role + ': ' + text)),
    h('i', null, caption?.text),
    h('video', { ref: attach, muted: true }),
    h('button', { id: 'say', onClick: () => void session?.repeat('Hello from React.') }, ''));
}
function Page({ token }: { token: string }) {
  const [isHere, setHere] = useState(true);
  return h('div', null,
    isHere && h(Face, { token }),
    h(Avatar, { src: ${JSON.stringify(serverUrl)}, tokenUrl: '/token', avatar: 'mira', crop: 'square' }),
    h('button', { id: 'leave', onClick: () => setHere(false) }, ''));
}
const { token } = await (await fetch('/token')).json();
createRoot(document.getElementById('root')!).render(h(StrictMode, null, h(Page, { token })));
`;
