export { endFamily, forgetFamilies, openFamily, rotate, type Family, type Rotation } from "./refresh.ts";
