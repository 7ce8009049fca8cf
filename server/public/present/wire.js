/** The few things that pass between an audience and its presenters beside picture, sound and slides. */

/** A question for the presenter. @throws VizaviError `too_many_requests`, `text_too_long` and others */
export async function ask(session, text) {
  await session.askPresenter(text);
}

/** @param {(question: { askId: string, text: string }) => void} listener */
export function onAsked(session, listener) {
  session.on('audience.asked', listener);
}

/** How many are connected, presenters included; null where it cannot be known. */
export async function viewerCount(session) {
  const stats = await session.stats().catch(() => null);
  return stats?.viewers ?? null;
}
