import { sentencesOf } from "../store";
import { en } from "./en";
import { fi } from "./fi";

export const words = sentencesOf({ fi, en });
