type Texts = Readonly<Record<string, string>>;

/**
 * The `defaults`, in the page's own words where `json` has some; `others` is what it says under other names. Nothing
 * here throws: an avatar that speaks English is better than none.
 */
export function readTexts<T extends Texts>(
  defaults: T,
  json: string | undefined,
): { readonly texts: T; readonly others: Readonly<Record<string, unknown>> } {
  const texts: Record<string, string> = { ...defaults };
  const others: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(parse(json))) {
    if (!Object.hasOwn(defaults, key)) others[key] = value;
    else if (typeof value === 'string' && value.trim() !== '') texts[key] = value;
    else warn(`${key} must be a text`);
  }
  return { texts: texts as T, others };
}

/** Tells whoever made the page; visitors see nothing of it. */
export function warn(fault: string): void {
  console.warn(`vizavi: texts: ${fault}`);
}

/** `{name}` and the like are places; one that nothing fills stays. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (place, key: string) => String(values[key] ?? place));
}

function parse(json = '{}'): object {
  try {
    const given: unknown = JSON.parse(json);
    if (given !== null && typeof given === 'object' && !Array.isArray(given)) return given;
  } catch {
    // Told below.
  }
  warn('must be a JSON object');
  return {};
}
