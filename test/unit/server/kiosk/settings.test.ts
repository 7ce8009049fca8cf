import { describe, expect, it } from 'vitest';
import { isNight, isReloadDue } from '../../../../server/public/kiosk/schedule.mjs';
import { readSettings } from '../../../../server/public/kiosk/settings.mjs';
import { queueText, readTexts, TEXTS, TOPICS } from '../../../../server/public/kiosk/texts.mjs';

const read = (rest: string) => readSettings(`https://kiosk.example/kiosk/${rest}`);

describe('settings in the address', () => {
  it('need not be given', () => {
    const { settings, faults } = read('');
    expect(faults).toEqual([]);
    expect(settings).toMatchObject({
      avatar: null,
      listen: 'open',
      timeout: 45,
      presence: 'off',
      captions: 'on',
      fit: 'auto',
      dim: null,
      reload: 270,
      pin: null,
      tokenUrl: null,
      beacon: 'https://kiosk.example/v1/kiosks/kiosk/beacon',
      kioskToken: null,
    });
  });

  it('are taken as they are meant', () => {
    const { settings, faults } = read(
      '?avatar=theo&voice=rms&title=City%20Museum&lang=de-CH&listen=push&timeout=90&presence=camera&kiosk=lobby-1' +
        '&token-url=https://shop.example/token&dim=22:00-07:00&reload=off&texts=/words/de.json&fit=contain&captions=off' +
        '&pin=0815&greeting=Hello%20there.&goodbye=Bye.#kiosk-token=secret',
    );
    expect(faults).toEqual([]);
    expect(settings).toMatchObject({
      avatar: 'theo',
      title: 'City Museum',
      lang: 'de-CH',
      listen: 'push',
      timeout: 90,
      tokenUrl: 'https://shop.example/token',
      dim: { from: 1320, to: 420 },
      reload: 'off',
      texts: 'https://kiosk.example/words/de.json',
      pin: '0815',
      greeting: 'Hello there.',
      beacon: 'https://kiosk.example/v1/kiosks/lobby-1/beacon',
      kioskToken: 'secret',
    });
    expect(read('?beacon=off').settings).toMatchObject({ beacon: 'off' });
  });

  it.each([
    'timeout=soon',
    'timeout=4',
    'timeout=1e2',
    'timeout=',
    'listen=always',
    'avatar=../secret',
    'dim=22-7',
    'dim=22:00-22:00',
    'dim=25:00-07:00',
    'reload=4:30',
    'token-url=javascript:alert(1)',
    'beacon=file:///etc/passwd',
    'pin=12',
    'lang=klingon!',
    `greeting=${'x'.repeat(301)}`,
    'greeting=%20',
    'colour=red',
  ])('that are wrong are named, and left as they would be: %s', (wrong) => {
    const { settings, faults } = read(`?${wrong}`);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${wrong.split('=')[0] ?? ''}: `));
    expect(settings).toEqual(read('').settings);
  });

  it('that are given twice are named', () => {
    expect(read('?timeout=10&timeout=20').faults).toEqual(['timeout: is given 2 times']);
  });
});

describe('words of the page', () => {
  it('are replaced one by one', () => {
    const { texts, topics, faults } = readTexts({ touch: 'Bitte berühren', topics: ['Wer bist du?'] });
    expect(faults).toEqual([]);
    expect(texts).toEqual({ ...TEXTS, touch: 'Bitte berühren' });
    expect(topics).toEqual(['Wer bist du?']);
  });

  it('that are wrong are named and left as they would be', () => {
    for (const wrong of [null, [], 'hello', { touch: 1 }, { touch: '' }, { tuch: 'x' }, { topics: 'one' }]) {
      const { texts, topics, faults } = readTexts(wrong);
      expect(faults).toHaveLength(1);
      expect([texts, topics]).toEqual([TEXTS, TOPICS]);
    }
  });

  it('tell who waits how long', () => {
    expect(queueText(TEXTS, { position: 1, estimateMs: 41_000 })).toBe('You are next. About 40 seconds.');
    expect(queueText(TEXTS, { position: 3, estimateMs: 150_000 })).toBe('You are number 3. About 3 minutes.');
    expect(queueText(TEXTS, { position: 2, estimateMs: null })).toBe('You are number 2.');
  });
});

describe('the time of day', () => {
  const at = (day: number, time: string): Date => new Date(`2040-03-0${day}T${time}:00`);

  it('knows night, also over midnight', () => {
    const over = { from: 1320, to: 420 };
    expect(
      ['21:59', '22:00', '23:59', '00:00', '06:59', '07:00'].map((time) => isNight(over, at(1, time))),
    ).toEqual([false, true, true, true, true, false]);
    const within = { from: 60, to: 300 };
    expect(['00:59', '01:00', '04:59', '05:00'].map((time) => isNight(within, at(1, time)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(isNight(null, at(1, '03:00'))).toBe(false);
  });

  it('reloads once a day', () => {
    expect(isReloadDue(270, at(1, '12:00'), at(2, '04:29'))).toBe(false);
    expect(isReloadDue(270, at(1, '12:00'), at(2, '04:30'))).toBe(true);
    // Loaded by that very reload, and one minute before its time.
    expect(isReloadDue(270, at(2, '04:30'), at(2, '04:31'))).toBe(false);
    expect(isReloadDue(270, at(2, '04:29'), at(2, '04:30'))).toBe(true);
    // The computer slept over it.
    expect(isReloadDue(270, at(1, '12:00'), at(4, '12:00'))).toBe(true);
    expect(isReloadDue('off', at(1, '12:00'), at(4, '12:00'))).toBe(false);
  });
});
