import { ActorFile } from './actor-file.ts';
import { Actor } from './actor.ts';
import { REST } from './face-shape.ts';
import type { Pose } from './face-shape.ts';
import { Stage } from './stage.ts';

/** What the program outside calls. */
export interface StudioPage {
  /** Shows a pose; weights are added to the actor's rest. */
  show(pose: Partial<Pose>): void;
  png(): string;
  /** The picture's RGB as base64. */
  rgb(): string;
}

declare global {
  interface Window {
    studio?: StudioPage;
  }
}

async function open(): Promise<StudioPage> {
  const query = new URLSearchParams(location.search);
  const stage = new Stage(Number(query.get('size') ?? 512), Number(query.get('oversampling') ?? 2));
  const file = await ActorFile.load('/actor');
  const actor = await Actor.load(file);
  stage.scene.add(actor.group);
  actor.measureLight(stage.renderer);
  const { rest } = file.facts.spec;
  return {
    show: (pose) => {
      const weights: Record<string, number> = { ...rest };
      for (const [name, weight] of Object.entries(pose.weights ?? {}))
        weights[name] = (weights[name] ?? 0) + weight;
      actor.pose({ ...REST, ...pose, weights });
      stage.render();
    },
    png: () => stage.png(),
    rgb: () => {
      const bytes = stage.rgb();
      let text = '';
      for (let at = 0; at < bytes.length; at += 32_768)
        text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
      return btoa(text);
    },
  };
}

window.studio = await open();
