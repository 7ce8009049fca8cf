"""Step 8: trained networks -> a bundle that the server loads.

python -m vizavi_studio.export_bundle BUILD --actor actors/mira.json --generator SPEECH/generator.without-rms.pt --out BUNDLE
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch

from .bundle_readme import bundle_readme
from .codec import FAST, LARGE, LATENT, SIZE, Decoder, PoseEncoder
from .frames import held_out, load_frames, resting
from .generator import LOOKAHEAD, STATE, Ear, Flow, Generator
from .motion import DRIVEN, EMOTIONS
from .onnx_storage import share_weights, store_in_bytes
from .picture_head import I420Decoder
from .quantize import quantize, tail_nodes

OPSET = 17
FPS, RATE, FRAME, CHUNK = 25, 16_000, 640, 5
DEFAULT_STEPS, OTHER_STEPS = 2, (1, 4)
CALIBRATION_FRAMES = 48
COMMAND = "python -m vizavi_studio.export_bundle"


def export_generators(pose: PoseEncoder, names: list[str], trained: dict, out: Path) -> dict[int, Path]:
    ear, flow = Ear(), Flow()
    ear.load_state_dict(trained["ear"])
    flow.load_state_dict(trained["flow"])
    if trained["driven"] != list(DRIVEN):
        raise SystemExit("the generator was trained for other parameters")
    files = {}
    for steps in (DEFAULT_STEPS, *OTHER_STEPS):
        network = Generator(ear, flow, trained["scale"], pose, names, steps).eval()
        controls = len(names) + len(EMOTIONS) - 1
        example = (torch.zeros(1, 3 * FRAME), torch.zeros(1, 3, controls), torch.zeros(1, sum(STATE.values())))
        files[steps] = out / f"generator.{steps}.onnx"
        torch.onnx.export(
            network,
            example,
            str(files[steps]),
            opset_version=OPSET,
            dynamo=False,
            input_names=["pcm", "expression", "state_in"],
            output_names=["latents", "params", "state_out"],
            dynamic_axes={"pcm": {1: "samples"}, "expression": {1: "T"}, "latents": {0: "T"}, "params": {1: "T"}},
        )
    return files


def export_decoder(state: dict, sizes, pictures: np.ndarray, file: Path) -> None:
    decoder = Decoder(torch.zeros(3, SIZE, SIZE), state["closeups.anchors"], sizes)
    decoder.load_state_dict(state)
    planes = ("latents", "y", "u", "v")
    torch.onnx.export(
        I420Decoder(decoder, *(torch.from_numpy(a) for a in resting(pictures))).eval(),
        (torch.zeros(2, *LATENT),),
        str(file),
        opset_version=OPSET,
        dynamo=False,
        input_names=list(planes[:1]),
        output_names=list(planes[1:]),
        dynamic_axes={name: {0: "T"} for name in planes},
    )


def is_weight(name: str) -> bool:
    """Of a decoder: what is learned, but for the still pictures, which all decoders have in common."""
    return name.endswith(".weight") or "places" in name


def tensor(name: str, shape: list, dtype: str = "float32") -> dict:
    return {"name": name, "dtype": dtype, "shape": shape}


def described(file: Path) -> dict:
    data = file.read_bytes()
    return {"file": file.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def controls(names: list[str], pose: PoseEncoder) -> list[dict]:
    low, high = (pose.middle - pose.reach).tolist(), (pose.middle + pose.reach).tolist()
    rows = [
        {"index": k, "name": name, "rest": 0, "min": round(low[k], 4), "max": round(high[k], 4), "audioDriven": name in DRIVEN}
        for k, name in enumerate(names)
    ]
    for emotion in EMOTIONS[1:]:
        rows.append({"index": len(rows), "name": emotion, "rest": 0, "min": 0, "max": 1, "audioDriven": False})
    return rows


def manifest(spec: dict, names: list[str], pose: PoseEncoder, out: Path, measured: dict) -> dict:
    parameters = controls(names, pose)
    state_size = sum(STATE.values())
    offsets = np.cumsum([0, *STATE.values()]).tolist()
    generator = described(out / f"generator.{DEFAULT_STEPS}.onnx")
    variants = {"int8": "decoder.int8.onnx", "fp32": "decoder.onnx", "large": "decoder.large.onnx"}
    return {
        "format": "vizavi-bundle/1",
        "id": spec["id"],
        "name": spec["name"],
        "voice": spec["voice"],
        "fps": FPS,
        "width": SIZE,
        "height": SIZE,
        "pixelFormat": "I420",
        "colorSpace": {"matrix": "bt601", "primaries": "smpte170m", "transfer": "smpte170m", "range": "limited"},
        "audio": {
            "sampleRate": RATE,
            "channels": 1,
            "dtype": "float32",
            "range": [-1, 1],
            "samplesPerFrame": FRAME,
            "chunkSamples": FRAME * CHUNK,
            "lookaheadMs": LOOKAHEAD * 1000 / FPS,
            "lookaheadFrames": LOOKAHEAD,
            "timing": "frame f is made from samples before 640 (f + 1) and shows the face for the frame 3 earlier",
            "frontEnd": "inside the generator: log-mel of 80 bands every 10 ms",
        },
        "chunkFrames": CHUNK,
        "minChunkFrames": 1,
        "latent": {"shape": list(LATENT), "dtype": "float32"},
        "networks": {
            "generator": {
                **generator,
                "steps": DEFAULT_STEPS,
                "variants": {str(k): described(out / f"generator.{k}.onnx") for k in OTHER_STEPS},
                "weights": described(out / "generator.weights"),
                "opset": OPSET,
                "inputs": [
                    tensor("pcm", [1, f"{FRAME}*T"]),
                    tensor("expression", [1, "T", len(parameters)]),
                    tensor("state_in", [1, state_size]),
                ],
                "outputs": [
                    tensor("latents", ["T", *LATENT]),
                    tensor("params", [1, "T", len(parameters)]),
                    tensor("state_out", [1, state_size]),
                ],
                "note": "conditional flow matching; chance is drawn inside, so the same input gives the same motion",
            },
            "decoder": {
                "variants": {name: described(out / file) for name, file in variants.items() if (out / file).exists()},
                "default": "int8",
                **({"finest": "large"} if (out / variants["large"]).exists() else {}),
                "weights": described(out / "decoder.weights"),
                "opset": OPSET,
                "inputs": [tensor("latents", ["T", *LATENT])],
                "outputs": [
                    tensor("y", ["T", SIZE, SIZE], "uint8"),
                    tensor("u", ["T", SIZE // 2, SIZE // 2], "uint8"),
                    tensor("v", ["T", SIZE // 2, SIZE // 2], "uint8"),
                ],
            },
        },
        "state": [
            {
                "input": "state_in",
                "output": "state_out",
                "dtype": "float32",
                "shape": [1, state_size],
                "initial": 0,
                "layout": [
                    {"name": name, "offset": offset, "size": size} for (name, size), offset in zip(STATE.items(), offsets)
                ],
            }
        ],
        "expression": {"mode": "additive", "parameters": parameters},
        "licence": {
            "weights": "MIT",
            "notice": "NOTICE",
            "sources": ["ICT-FaceKit (MIT, USC Institute for Creative Technologies)", "speech by flite and eSpeak NG"],
        },
        "consent": {
            "subject": "synthetic",
            "statement": f"{spec['name']} is a computed face. No person was filmed, scanned or imitated.",
        },
        "measured": measured,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--actor", type=Path, required=True)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    spec = json.loads(args.actor.read_text())
    args.out.mkdir(parents=True, exist_ok=True)
    codec = torch.load(args.build / "codec.pt", map_location="cpu", weights_only=True)
    trained = torch.load(args.generator, map_location="cpu", weights_only=True)
    names = codec["names"]
    pose = PoseEncoder(torch.zeros(len(names)), torch.ones(len(names)))
    pose.load_state_dict(codec["poser"])
    generators = export_generators(pose, names, trained, args.out)
    share_weights(list(generators.values()), args.out / "generator.weights")
    pictures, poses, _ = load_frames(args.build)
    export_decoder(codec["decoder"], FAST, pictures, args.out / "decoder.onnx")
    chosen = [k for k in range(len(poses)) if not held_out(k)][:CALIBRATION_FRAMES]
    with torch.no_grad():
        latents = pose(torch.from_numpy(poses[chosen])).numpy()
    fast = args.out / "decoder.onnx"
    decoders = [fast, args.out / "decoder.int8.onnx"]
    quantize(*decoders, latents, tail_nodes(fast))
    trained_large = args.build / "codec.large.pt"
    large = torch.load(trained_large, map_location="cpu", weights_only=True) if trained_large.exists() else None
    if large:
        decoders.append(args.out / "decoder.large.onnx")
        export_decoder(large["decoder"], LARGE, pictures, decoders[-1])
        store_in_bytes(decoders[-1], is_weight)
    share_weights(decoders, args.out / "decoder.weights")
    for file in args.out.glob("*.onnx"):
        onnx.checker.check_model(str(file))
    measured = {
        "codec": {
            "frames": codec["frames"],
            "steps": codec["steps"],
            "seconds": {part: round(seconds) for part, seconds in codec["seconds"].items()},
            "last": codec["history"][-1],
        },
        "generator": {"steps": trained["step"], "seconds": round(trained["seconds"]), "last": trained["history"][-1]},
    }
    text = json.dumps(manifest(spec, names, pose, args.out, measured), indent=1)
    (args.out / "manifest.json").write_text(text + "\n")
    voice = args.generator.stem.split("without-")[-1].split(".")[0]
    (args.out / "README.md").write_text(bundle_readme(spec, codec, trained, len(names), voice, large))
    total = sum(file.stat().st_size for file in args.out.iterdir())
    print(f"{args.out}: {total / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
