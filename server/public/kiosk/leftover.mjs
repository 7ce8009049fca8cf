const KEY = 'vizavi.kiosk.session';

/** The token of the session that is open, for a page that is loaded after this one has crashed. */
export const leftover = {
  keep: (token) => sessionStorage.setItem(KEY, token),
  forget: () => sessionStorage.removeItem(KEY),

  /** Ends what was left behind, by a lost network or a page before this one: it would hold its avatar for a while. */
  async end({ AvatarSession }) {
    const token = sessionStorage.getItem(KEY);
    if (!token) return;
    this.forget();
    const session = new AvatarSession(token);
    session.start().catch(() => undefined);
    await session.stop().catch(() => undefined);
  },
};
