package main

import (
	"os/exec"
	"testing"
)

func TestAHostThatIsInterruptedHasEndedWell(t *testing.T) {
	for _, script := range []string{"exit 0", "kill -INT $$", "kill -TERM $$"} {
		if err := ended(exec.Command("sh", "-c", script).Run()); err != nil {
			t.Errorf("%s: %v", script, err)
		}
	}
	for _, script := range []string{"exit 3", "kill -KILL $$"} {
		if err := ended(exec.Command("sh", "-c", script).Run()); err == nil {
			t.Errorf("%s: no error", script)
		}
	}
}
