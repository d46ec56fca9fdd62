// The avatars that are drawn for the team, by name.

export const avatarNames = [
  "bear",
  "spark",
  "raccoon",
  "wolf-cub",
  "sloth",
  "wolf",
  "owl",
  "fox",
  "hare",
  "hedgehog",
  "squirrel",
  "lynx",
  "moose",
  "otter",
] as const;

export type AvatarName = (typeof avatarNames)[number];
