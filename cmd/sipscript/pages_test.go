package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestScriptsInPagesLoad(t *testing.T) {
	t.Parallel()
	block := regexp.MustCompile("(?s)```lua\n(.*?)```")
	for _, page := range []string{"README.md", "README.zh-CN.md", "docs/lua.md", "docs/ivr.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", page))
		if err != nil {
			t.Fatal(err)
		}
		scripts := block.FindAllSubmatch(text, -1)
		if len(scripts) == 0 {
			t.Errorf("%s: no script found", page)
		}
		for i, script := range scripts {
			path := write(t, fmt.Sprintf("%d.lua", i+1), string(script[1]))
			var stdout, stderr bytes.Buffer
			if code := execute([]string{"check", path}, &stdout, &stderr); code != 0 {
				t.Errorf("%s, script %d: %s%s", page, i+1, &stdout, &stderr)
			}
		}
	}
}
