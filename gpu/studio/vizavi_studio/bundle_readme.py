"""What a bundle says of itself, with the figures of its training."""

from .generator import LOOKAHEAD, STATE
from .motion import EMOTIONS

TEXT = """# {name}

A computed face (nobody was filmed, scanned or imitated), an AvatarBundle in the format `vizavi-bundle/1`, made by [gpu/studio](../../studio). Sound in, I420 pictures out.

| file | what |
|---|---|
| `manifest.json` | names, shapes, state, ranges of expression, file hashes, licence and consent |
| `generator.2.onnx`, `.1`, `.4` | PCM, expression and state → latents, pose and the next state, with so many denoising steps; they read `generator.weights` |
| `decoder.int8.onnx`, `decoder.onnx` | latents → `y`, `u`, `v`; the faster one on this machine is used. They read `decoder.weights` |
{large_file}| `NOTICE` | licences and sources |

`npm run vizavi -- bundle inspect` prints what it costs on your machine and draws its faces, `npm run bench:avatar` judges it.

## How it streams

```
state = zeros [1, {state}]                          the state of long silence; also after an interrupt
for each chunk of T ≥ 1 frames (T ≤ 64)
  pcm f32 [1, 640·T]  (16 kHz mono, −1…1)         expression f32 [1, T, {columns}]  (zeros = rest)
  generator(pcm, expression, state_in = state) → latents [T, 16, 8, 8], params [1, T, {columns}], state_out
  decoder(latents) → y u8 [T, 512, 512], u u8 [T, 256, 256], v u8 [T, 256, 256]
```

- How the sound is cut into chunks does not change the result.
- **Look-ahead: {lookahead} frames ({ms} ms).** Frame f shows the face for the samples of frame f − {lookahead}. Drop the first {lookahead} frames, feed as many of silence at the end.
- `expression`: {poses} pose parameters that are added to what the sound drives and clamped to the manifest's ranges, then shares of the emotions {emotions}; what is left is neutral.
- In silence the pose is exactly `expression`. Between words the head nods and sways a little, brows rise on stressed vowels, eyes blink where a clause ends.
- Chance comes from a table inside the graph, so the same sound gives the same film.

## How it was trained

| network | material | iterations | time | held-out result |
|---|---|---|---|---|
| decoder, pose → latent → picture | {frames} renders, seed 1 | {decoder_steps} | {decoder_minutes} min, two cores | {whole:.2f} dB whole, {mouth:.2f} dB mouth, {eyes:.2f} dB eyes |
| its close-ups of eyes and mouth, alone | the same | {closeup_steps} | {closeup_minutes} min | the figures above are after this, in RGB, before I420 and 8 bits |
| encoder, picture → latent | the same | {encoder_steps} | {encoder_minutes} min | {seen:.2f} dB through latent and back |
{large_training}| generator | nine synthetic voices, some 5 h, each clean and twice spoilt, seed 1 | {generator_steps} | {generator_minutes} min, one core | voice {voice}, never heard: jaw r {jaw:.3f} in speech, {closed:.0%} of the closures of p, b, m |
"""


LARGE_FILE = "| `decoder.large.onnx` | better pictures from the same latents, for GPUs; its weights are stored in 8 bits, computed with in 32 |\n"
LARGE_TRAINING = (
    "| large decoder, begun as the small one | the same | {steps:,} | {minutes} min, two cores "
    "| {whole:.2f} dB whole, {mouth:.2f} dB mouth, {eyes:.2f} dB eyes |\n"
)


def bundle_readme(spec: dict, codec: dict, trained: dict, poses: int, voice: str, large: dict | None) -> str:
    """`large`: the state that the large decoder's training left, if there is one."""
    minutes = {part: round(seconds / 60) for part, seconds in codec["seconds"].items()}
    last, heard = codec["history"][-1], trained["history"][-1]
    return TEXT.format(
        name=spec["name"],
        large_file=LARGE_FILE if large else "",
        large_training=_large_training(large) if large else "",
        state=sum(STATE.values()),
        columns=poses + len(EMOTIONS) - 1,
        poses=poses,
        lookahead=LOOKAHEAD,
        ms=40 * LOOKAHEAD,
        emotions=", ".join(f"`{emotion}`" for emotion in EMOTIONS[1:]),
        frames=codec["frames"],
        decoder_steps=f"{codec['steps'].get('decoder', 0):,}",
        decoder_minutes=minutes.get("decoder", 0),
        closeup_steps=f"{codec['steps'].get('closeups', 0):,}",
        closeup_minutes=minutes.get("closeups", 0),
        encoder_steps=f"{codec['steps'].get('encoder', 0):,}",
        encoder_minutes=minutes.get("encoder", 0),
        whole=last["whole"],
        mouth=last["mouth"],
        eyes=last["eyes"],
        seen=last["seen"],
        generator_steps=f"{trained['step']:,}",
        generator_minutes=round(trained["seconds"] / 60),
        voice=voice,
        jaw=heard["jaw2"],
        closed=heard["closed"],
    )


def _large_training(large: dict) -> str:
    steps, seconds, last = large["steps"]["large"], large["seconds"]["large"], large["history"][-1]
    figures = {name: last[name] for name in ("whole", "mouth", "eyes")}
    return LARGE_TRAINING.format(steps=steps, minutes=round(seconds / 60), **figures)
