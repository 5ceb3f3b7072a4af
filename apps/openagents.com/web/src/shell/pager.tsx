import { Button } from "@mantine/core";

/** The cursors of the pages that were left, the first page's not among them. */
type PagerProps = {
  readonly cursors: readonly string[];
  readonly nextCursor: string | undefined;
  readonly go: (cursors: readonly string[]) => void;
};

/** Back and forth through a list whose pages are found by cursors only. */
export function Pager({ cursors, nextCursor, go }: PagerProps) {
  return (
    <div className="row">
      <Button
        size="sm"
        variant="default"
        disabled={cursors.length === 0}
        onClick={() => go(cursors.slice(0, -1))}
      >
        Newer
      </Button>
      <Button
        size="sm"
        variant="default"
        disabled={nextCursor === undefined}
        onClick={() => nextCursor !== undefined && go([...cursors, nextCursor])}
      >
        Older
      </Button>
    </div>
  );
}
