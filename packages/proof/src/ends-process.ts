// Whether a line that a patch adds to source can end the process that runs it.
//
// Where only exit codes are compared, source that ends its own process with
// success passes every check that loads it. An honest command line ends its
// process too, so this proves nothing against anyone: a person looks at it.

const ENDINGS: readonly RegExp[] = [
  // JavaScript
  /\bprocess\s*(?:\?\.|[.[])+\s*["'`]?(?:exit|exitCode|reallyExit|abort|kill|emit)\b/,
  /\b(?:Deno|Bun)\s*[.]\s*exit\b/,
  // Python
  /\bos\s*[.]\s*(?:_exit|kill|abort|exec[lv]p?e?)\b|\bsys\s*[.]\s*exit\b|\bSystemExit\b|\batexit[.]|\bquit\s*\(/,
  // C and C++, and what other languages import under these names
  /(?:^|[^.\w])(?:exit|_exit|_Exit|quick_exit|at_quick_exit|atexit|abort|execv|execvp|execl|execlp)\s*\(/,
  /__attribute__\s*\(\(\s*(?:constructor|destructor)/,
  // Go, Rust, JVM, .NET, Ruby, PHP
  /\b(?:os|syscall)[.](?:Exit|Kill|Exec)\b|\bprocess::(?:exit|abort)\b/,
  /\bSystem[.]exit\b|\bRuntime\b.*\b(?:halt|exit)\b|\bexitProcess\b|\bEnvironment[.]Exit\b/,
  /\bat_exit\b|\bexit!|\bdie\s*\(/,
];

/** Of the lines that a diff adds to the file, without their marks. */
export function endsProcess(addedLines: readonly string[]): boolean {
  return addedLines.some((line) => ENDINGS.some((ending) => ending.test(line)));
}
