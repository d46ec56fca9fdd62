// The faces of the six that everybody starts with.

import Bear from "./Bear.svelte";
import Raccoon from "./Raccoon.svelte";
import Sloth from "./Sloth.svelte";
import Spark from "./Spark.svelte";
import Wolf from "./Wolf.svelte";
import WolfCub from "./WolfCub.svelte";

export const first = {
  bear: Bear,
  spark: Spark,
  raccoon: Raccoon,
  "wolf-cub": WolfCub,
  sloth: Sloth,
  wolf: Wolf,
};
