/** Minutes since midnight on the wall clock. */
export const minuteOf = (date) => date.getHours() * 60 + date.getMinutes();

/**
 * Whether it is night: the screen is black.
 *
 * @param {{ from: number, to: number } | null} dim minutes since midnight; may go over midnight
 * @param {Date} date
 */
export function isNight(dim, date) {
  if (!dim) return false;
  const minute = minuteOf(date);
  return dim.from < dim.to ? minute >= dim.from && minute < dim.to : minute >= dim.from || minute < dim.to;
}

/**
 * Whether the day's reload is due: its time has come between then and now.
 *
 * @param {number | 'off'} reload minutes since midnight
 * @param {Date} loaded when the page was loaded
 * @param {Date} now
 */
export function isReloadDue(reload, loaded, now) {
  if (reload === 'off') return false;
  const next = new Date(loaded);
  next.setHours(Math.floor(reload / 60), reload % 60, 0, 0);
  // Through the calendar, not by hours: days have 23 to 25 of them.
  if (next <= loaded) next.setDate(next.getDate() + 1);
  return now >= next;
}
