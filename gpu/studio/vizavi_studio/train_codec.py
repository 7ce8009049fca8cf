"""Step 4: frames -> pose encoder and decoder, then the encoder of pictures. Goes on from BUILD/codec.pt.

python -m vizavi_studio.train_codec BUILD [--part decoder|closeups|encoder|large] [--threads 2] [--minutes 60] [--like OTHER_BUILD]
"""

import argparse
from pathlib import Path

import torch

from .closeup_trainer import CloseUpTrainer
from .codec_trainer import Trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("--iterations", type=int, default=16_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--like", type=Path, help="another actor's build, trained already, to start from")
    parser.add_argument("--part", choices=["decoder", "closeups", "encoder", "large"], default="decoder")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.part == "closeups":
        trainer = CloseUpTrainer(args.build, args.iterations, args.seed)
    else:
        trainer = Trainer(args.build, args.iterations, args.seed, args.part, args.like)
    trainer.run(args.minutes)


if __name__ == "__main__":
    main()
