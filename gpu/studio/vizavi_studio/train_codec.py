"""Step 4: frames -> pose encoder and decoder, then the encoder of pictures. Goes on from BUILD/codec.pt.

python -m vizavi_studio.train_codec BUILD [--part decoder|closeups|encoder|large] [--threads 2] [--minutes 60] [--like OTHER_BUILD]
"""

import argparse
from pathlib import Path

import torch

from .closeup_trainer import CloseUpTrainer
from .codec_trainer import Trainer

ITERATIONS = {"decoder": 7500, "closeups": 5000, "encoder": 1100, "large": 7500}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--iterations", type=int, help=f"by default {ITERATIONS}")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--like", type=Path, help="another actor's build, trained already, to start from")
    parser.add_argument("--part", choices=["decoder", "closeups", "encoder", "large"], default="decoder")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    iterations = args.iterations or ITERATIONS[args.part]
    if args.part == "closeups":
        trainer = CloseUpTrainer(args.build, iterations, args.seed)
    else:
        trainer = Trainer(args.build, iterations, args.seed, args.part, args.like)
    trainer.run(args.minutes)


if __name__ == "__main__":
    main()
