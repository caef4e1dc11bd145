package rt

import "testing"

func TestAHandlerWithAllItsTasksIsCrowded(t *testing.T) {
	t.Parallel()
	root := &Run{family: &family{live: maxTasks - 1}}
	task := &Run{family: &family{parent: root}}
	if root.Crowded() || task.Crowded() {
		t.Error("one more task has room")
	}
	root.family.live++
	if !root.Crowded() || !task.Crowded() {
		t.Error("no task has room any more")
	}
}
