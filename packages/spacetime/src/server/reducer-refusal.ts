/** Why a reducer does nothing, in the words that its caller gets. */
export class ReducerRefusal extends Error {
  override readonly name = "ReducerRefusal";
}
