/** How a desk comes to its session, and how it finds it again. */

const STORED = 'vizavi.desk';

/** What the brain may do while it has the stage. */
const TOOLS = [
  {
    name: 'show_slide',
    description: 'Shows a slide of the deck to everybody.',
    parameters: {
      type: 'object',
      properties: { number: { type: 'integer', minimum: 1, description: 'counted from 1' } },
      required: ['number'],
    },
  },
];

/** What this tab knows: `{ token, deskId, deck, source, questions, audience, presenter }`; null for a new one. */
export function remembered() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const stored = JSON.parse(sessionStorage.getItem(STORED) ?? 'null');
  const token = hash.get('token');
  if (!token) return stored;
  // Out of sight: whoever sees the address on a shared screen could otherwise take the desk.
  history.replaceState(null, '', location.pathname + location.search);
  const links = { audience: hash.get('audience'), presenter: hash.get('presenter') };
  const given = { token, deskId: crypto.randomUUID(), questions: [], source: null, ...links };
  return remember(given);
}

export function remember(known) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(known));
  } catch {
    // A large dropped deck does not fit: it has to be dropped again after a reload.
    sessionStorage.setItem(STORED, JSON.stringify({ ...known, source: null }));
  }
  return known;
}

export function forget() {
  sessionStorage.removeItem(STORED);
}

/**
 * A session from a server in development mode. In production the customer's own server does this, with its API key, and
 * opens the desk with `#token=…&audience=…&presenter=…`.
 */
export async function create(deck) {
  const { avatar, instructions } = deck ?? {};
  const request = {
    ...(avatar && { avatarId: avatar }),
    ...(instructions && { instructions }),
    tools: TOOLS,
  };
  const { sessionId } = await post('/v1/sessions', request);
  const [mine, other, audience] = await Promise.all(
    ['presenter', 'presenter', 'audience'].map((role) => post(`/v1/sessions/${sessionId}/tokens`, { role })),
  );
  const watch = `${audience.url}/present/watch#token=${audience.token}`;
  const desk = new URL(`${other.url}/present/`);
  if (deck?.address) desk.searchParams.set('deck', deck.address);
  desk.hash = new URLSearchParams({ token: other.token, audience: watch }).toString();
  return remember({
    token: mine.token,
    deskId: crypto.randomUUID(),
    source: deck?.source ?? null,
    questions: [],
    audience: watch,
    presenter: desk.href,
  });
}

async function post(path, body) {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, request).catch(() => null);
  if (!response) throw Object.assign(new Error('The server cannot be reached.'), { code: 'timeout' });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw Object.assign(new Error(answer.error?.message ?? `HTTP ${response.status}`), {
    code: answer.error?.code ?? 'unavailable',
  });
}
