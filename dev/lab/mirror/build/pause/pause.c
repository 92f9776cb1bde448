/* The process that holds a pod's namespaces: it reaps the pod's orphans and waits to be told to stop.
 *
 * A stand-in for registry.k8s.io/pause with its interface: `-v` prints a version and exits 0 (kubeadm upgrade runs that as a
 * health check), SIGINT and SIGTERM end it, and a pid other than 1 is only worth a warning.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef VERSION
#error "compile with -DVERSION=\"...\""
#endif

static void stop(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void reap(int signal_number) {
  (void)signal_number;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

static int handle(int signal_number, void (*handler)(int), int flags) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = flags;
  return sigaction(signal_number, &action, NULL);
}

int main(int count, char **arguments) {
  for (int i = 1; i < count; i++) {
    if (strcmp(arguments[i], "-v") == 0) {
      puts("pause.c " VERSION);
      return 0;
    }
  }
  if (getpid() != 1) {
    fputs("warning: pause should be the first process\n", stderr);
  }
  if (handle(SIGINT, stop, 0) != 0 || handle(SIGTERM, stop, 0) != 0 || handle(SIGCHLD, reap, SA_NOCLDSTOP) != 0) {
    return 1;
  }
  for (;;) {
    pause();
  }
}
