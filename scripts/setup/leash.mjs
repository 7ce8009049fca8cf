/** Preloaded into a command: ends it when the set-up process that started it is gone. */
if (process.env['VIZAVI_LEASH'] && process.channel) {
  delete process.env['VIZAVI_LEASH'];
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}
