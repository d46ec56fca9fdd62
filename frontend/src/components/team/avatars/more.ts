// The faces of agents that a person adds: loaded when one of them is shown.

import Fox from "./Fox.svelte";
import Hare from "./Hare.svelte";
import Hedgehog from "./Hedgehog.svelte";
import Lynx from "./Lynx.svelte";
import Moose from "./Moose.svelte";
import Otter from "./Otter.svelte";
import Owl from "./Owl.svelte";
import Squirrel from "./Squirrel.svelte";

export const more = {
  owl: Owl,
  fox: Fox,
  hare: Hare,
  hedgehog: Hedgehog,
  squirrel: Squirrel,
  lynx: Lynx,
  moose: Moose,
  otter: Otter,
};
