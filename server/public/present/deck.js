/**
 * A deck: what is shown and what is said. It may come from anywhere, so it is taken apart and put together again:
 * only text, numbers, colours and addresses of pictures come through.
 *
 * deck.json: `{ title, avatar?, instructions?, theme?: { accent, paper, ink }, slides: [Slide], script?: [Line] }`
 * Slide: `{ layout?, kicker?, title?, text?, bullets?, figures?: [{ value, label }], image?, alt? }`, or `{ html }`, of
 * which headings, paragraphs, lists and the first picture are kept.
 * Line: `{ say, slide?, emotion?, gesture?, pauseMs? }`; slides are counted from 1, the pause comes before the line.
 */

const MAX_SLIDES = 200;
const MAX_LINES = 500;
const MAX_PAUSE_MS = 60_000;
const LAYOUTS = ['cover', 'split', 'picture', 'figures', 'text'];
const EMOTIONS = ['neutral', 'warm', 'serious', 'excited', 'sad'];
const GESTURES = ['nod', 'shake', 'tilt', 'brows', 'think', 'bow'];
const COLOUR = /^#[0-9a-f]{6}$/i;

/** @throws Error in words for a person */
export async function loadDeck(address) {
  const url = new URL(address, location.href);
  const response = await fetch(url).catch(() => null);
  if (!response)
    throw new Error(`The deck at ${url.href} cannot be reached. Does its server allow other origins?`);
  if (!response.ok) throw new Error(`There is no deck at ${url.href} (HTTP ${response.status}).`);
  const json = await response.json().catch(() => null);
  // The path alone where that is enough: an audience may reach this server by another name.
  const shared = url.origin === location.origin ? url.pathname + url.search : url.href;
  return { ...parseDeck(json, url.href), address: shared };
}

/**
 * A deck that was dropped, with its pictures where its folder was. It has no address, so an audience is sent its slides
 * one by one, without pictures that exist on this machine only.
 *
 * @param {readonly { path: string, file: File }[]} files @throws Error in words for a person
 */
export async function deckFromFiles(files) {
  const main =
    files.find(({ path }) => /(^|\/)deck\.json$/i.test(path)) ??
    files.find(({ path }) => path.endsWith('.json'));
  if (!main) throw new Error('There is no deck.json in what you dropped.');
  const source = await main.file.text();
  const json = parseJson(source);
  const folder = main.path.slice(0, main.path.lastIndexOf('/') + 1);
  const local = (address) => {
    const found = files.find(({ path }) => path === folder + address.replace(/^\.\//, ''));
    return found ? URL.createObjectURL(found.file) : null;
  };
  return { ...parseDeck(json, null, local), address: null, source };
}

/** A dropped deck again, after the page was loaded anew: without its pictures. */
export function deckFromSource(source) {
  return { ...parseDeck(parseJson(source), null), address: null, source };
}

/**
 * @param {string | null} base what addresses of pictures are relative to; null: they must be whole
 * @param {(address: string) => string | null} local pictures that came with the deck
 */
export function parseDeck(json, base, local = () => null) {
  if (!json || typeof json !== 'object') throw new Error('This is not a deck: it is no JSON object.');
  if (!Array.isArray(json.slides) || json.slides.length === 0) throw new Error('This deck has no slides.');
  const slides = json.slides.slice(0, MAX_SLIDES).map((slide) => parseSlide(slide, base, local));
  const script = (Array.isArray(json.script) ? json.script : [])
    .slice(0, MAX_LINES)
    .map((line) => parseLine(line, slides.length))
    .filter(({ say }) => say !== '');
  return {
    title: text(json.title, 120) || 'Untitled deck',
    avatar: text(json.avatar, 100) || null,
    instructions: text(json.instructions, 20_000) || null,
    theme: parseTheme(json.theme),
    slides,
    script,
  };
}

export function parseTheme(theme) {
  const colours = ['accent', 'paper', 'ink'].filter((name) => COLOUR.test(theme?.[name] ?? ''));
  return Object.fromEntries(colours.map((name) => [name, theme[name]]));
}

/** Also for a slide that came alone, over the wire. */
export function parseSlide(given, base, local = () => null) {
  const raw = typeof given?.html === 'string' ? { ...fromHtml(given.html), ...given } : (given ?? {});
  const bullets = list(raw.bullets, 12).map((item) => text(item, 300));
  const figures = list(raw.figures, 4).map((item) => ({
    value: text(item?.value, 16),
    label: text(item?.label, 120),
  }));
  const slide = {
    kicker: text(raw.kicker, 60),
    title: text(raw.title, 160),
    text: text(raw.text, 600),
    bullets: bullets.filter((item) => item !== ''),
    figures: figures.filter(({ value }) => value !== ''),
    ...picture(text(raw.image, 2000), base, local),
    alt: text(raw.alt, 300),
  };
  const wanted = LAYOUTS.includes(raw.layout) ? raw.layout : suitable(slide);
  // Beside a picture that is not there would be a hole.
  const isHollow = !slide.image && (wanted === 'split' || wanted === 'picture');
  return { ...slide, layout: isHollow ? 'text' : wanted };
}

function suitable({ image, title, text: words, bullets, figures }) {
  if (figures.length > 0) return 'figures';
  if (!image) return 'text';
  return title || words || bullets.length > 0 ? 'split' : 'picture';
}

function parseLine(line, slideCount) {
  const slide =
    Number.isInteger(line?.slide) && line.slide >= 1 && line.slide <= slideCount ? line.slide : null;
  const pauseMs = Number.isFinite(line?.pauseMs) ? Math.min(MAX_PAUSE_MS, Math.max(0, line.pauseMs)) : 0;
  const emotion = EMOTIONS.includes(line?.emotion) ? line.emotion : 'neutral';
  const gesture = GESTURES.find((known) => known === line?.gesture);
  return { say: text(typeof line === 'string' ? line : line?.say, 5000), slide, emotion, gesture, pauseMs };
}

/** `shared`: whether others can see it too. */
function picture(address, base, local) {
  if (address === '') return { image: null, shared: true };
  const here = local(address);
  if (here) return { image: here, shared: false };
  if (/^data:image\//i.test(address)) return { image: address, shared: false };
  const url = URL.canParse(address, base ?? undefined) ? new URL(address, base ?? undefined) : null;
  return /^https?:$/.test(url?.protocol ?? '')
    ? { image: url.href, shared: true }
    : { image: null, shared: true };
}

/** Nothing of it runs: a document of DOMParser has no window. */
function fromHtml(html) {
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  for (const node of body.querySelectorAll('script, style, template, iframe, object')) node.remove();
  const words = (selector) => [...body.querySelectorAll(selector)].map((node) => node.textContent);
  return {
    title: words('h1, h2, h3')[0],
    text: words('p').join(' ') || (body.children.length === 0 ? body.textContent : ''),
    bullets: words('li'),
    image: body.querySelector('img')?.getAttribute('src') ?? '',
    alt: body.querySelector('img')?.getAttribute('alt') ?? '',
  };
}

function text(value, maxLength) {
  return typeof value === 'string' ? value.replace(/\s+/g, ' ').trim().slice(0, maxLength) : '';
}

function list(value, maxLength) {
  return Array.isArray(value) ? value.slice(0, maxLength) : [];
}

function parseJson(source) {
  try {
    return JSON.parse(source);
  } catch {
    throw new Error('deck.json is not valid JSON.');
  }
}
