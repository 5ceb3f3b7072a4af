export { giveDependencies, type Dependencies } from "./give-dependencies.ts";
